/* SPDX-License-Identifier: MIT */
/* replay: backends with a fixed list of delays, and an open-loop load generator that knows the list.
 *
 *     bench-load-replay backends PORT                answers on PORT to PORT+11; /answer/ID waits for
 *                                                    delay(backend, ID), see delay_ns()
 *     bench-load-replay backends PORT instant        the same without delays
 *     bench-load-replay backends PORT hold SECONDS   the same, each answer after SECONDS
 *     bench-load-replay load PORT RATE SECONDS [FIRST_ID]
 *         asks 127.0.0.1:PORT for /page/ID RATE times a second at fixed instants. Prints JSON: how long
 * complete answers took from the instant the request was due, how long behind the slowest backend's delay,
 * and how many failed of those due in each second.
 *
 * A second attempt, which says so (x-weir-attempt: 2), has a delay of its own. /count tells how many attempts
 * of each number have come; /slower/3 makes all delays three times as long from then on.
 *
 * One thread and epoll, without libweir: a measuring tool must not depend on what it measures.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)

enum { CALLS = 12, ATTEMPTS = 2, BACKLOG = 4096, EVENTS = 256, HEAP_MAX = 1 << 16 };

struct peer {
    int fd, backend; /* backend: number of its listener; -1: a connection of the load */
    int attempt;     /* from 0 */
    bool listening, busy;
    uint64_t id, intended, due;
    size_t used, want; /* want: bytes of the whole answer, once its head has been read */
    char in[16 << 10];
};

static int poller;
static struct peer *heap[HEAP_MAX]; /* ordered by due */
static size_t heap_count;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double uniform(uint64_t x) /* splitmix64 of x, in (0, 1) */
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return ((double)((x ^ (x >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

/* Log-normal, median 12 ms, p99 80 ms, at most 800 ms; depends only on the backend, the request and the
 * attempt.
 */
static uint64_t delay_ns(int backend, uint64_t id, int attempt)
{
    uint64_t key = id * CALLS + (uint64_t)backend + ((uint64_t)attempt << 40);
    double normal = sqrt(-2 * log(uniform(2 * key))) * cos(2 * M_PI * uniform(2 * key + 1));
    double ms = 12 * exp(normal * log(80.0 / 12) / 2.3263478740408408);

    return (uint64_t)(fmin(ms, 800) * 1e6);
}

static void heap_push(struct peer *p)
{
    size_t i = heap_count++;

    if (i == HEAP_MAX)
        exit(1);
    for (; i > 0 && heap[(i - 1) / 2]->due > p->due; i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = p;
}

static struct peer *heap_pop(void)
{
    struct peer *top = heap[0], *last = heap[--heap_count];
    size_t i = 0, child;

    while ((child = 2 * i + 1) < heap_count) {
        child += child + 1 < heap_count && heap[child + 1]->due < heap[child]->due;
        if (heap[child]->due >= last->due)
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return top;
}

static void watch(struct peer *p)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = p};
    int on = 1;

    (void)setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (epoll_ctl(poller, EPOLL_CTL_ADD, p->fd, &e) < 0)
        die("epoll_ctl");
}

static struct peer *peer_new(int fd, int backend)
{
    struct peer *p = calloc(1, sizeof *p);

    if (fd < 0 || p == NULL)
        die("peer");
    p->fd = fd;
    p->backend = backend;
    return p;
}

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int wait_events(struct epoll_event *events, uint64_t until) /* until 0: no limit */
{
    uint64_t now = now_ns(), left = until > now ? until - now : 0;
    struct timespec t = {.tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u)};
    int n = epoll_pwait2(poller, events, EVENTS, until ? &t : NULL, NULL);

    if (n < 0 && errno != EINTR)
        die("epoll_pwait2");
    return n;
}

/* --- backends --- */

static unsigned long long attempts[ATTEMPTS]; /* that have come, by their number */
static unsigned slower = 1;

static void send_body(struct peer *p, const char *body)
{
    char out[320];
    int n = snprintf(out, sizeof out,
                     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                     strlen(body), body);

    if (send(p->fd, out, (size_t)n, MSG_NOSIGNAL) != n)
        fprintf(stderr, "a short answer\n");
}

static void answer(struct peer *p)
{
    char body[160];

    snprintf(body, sizeof body,
             "{\"backend\":%d,\"id\":%llu,\"name\":\"one of twelve\",\"price\":12.5,\"tags\":[\"a\",\"b\"]}",
             p->backend, (unsigned long long)p->id);
    p->busy = false;
    if (p->fd < 0) /* its client left meanwhile */
        free(p);
    else
        send_body(p, body);
}

/* Anything but /answer/ID: answered at once. */
static void control(struct peer *p)
{
    const char *more = strstr(p->in, "/slower/");
    char body[80];

    slower = more != NULL ? (unsigned)strtoul(more + 8, NULL, 10) : slower;
    snprintf(body, sizeof body, "{\"first\":%llu,\"second\":%llu}", attempts[0], attempts[1]);
    send_body(p, body);
}

static void backend_input(struct peer *p, bool instant, uint64_t hold)
{
    ssize_t n = recv(p->fd, p->in + p->used, sizeof p->in - 1 - p->used, 0);
    char *path, *attempt;

    if (n <= 0) {
        close(p->fd);
        p->fd = -1;
        if (!p->busy)
            free(p);
        return;
    }
    p->used += (size_t)n;
    p->in[p->used] = '\0';
    if (strstr(p->in, "\r\n\r\n") == NULL)
        return;
    path = strstr(p->in, "/answer/");
    p->used = 0;
    if (path == NULL) {
        control(p);
        return;
    }
    p->id = strtoull(path + 8, NULL, 10);
    attempt = strcasestr(p->in, "\r\nx-weir-attempt: 2\r\n");
    p->attempt = attempt != NULL ? 1 : 0;
    attempts[p->attempt]++;
    if (instant) {
        answer(p);
        return;
    }
    p->busy = true;
    p->due = now_ns() + (hold ? hold : slower * delay_ns(p->backend, p->id, p->attempt));
    heap_push(p);
}

static void backends(int port, bool instant, uint64_t hold)
{
    struct epoll_event events[EVENTS];

    for (int i = 0; i < CALLS; i++) {
        struct sockaddr_in address = loopback(port + i);
        struct peer *p = peer_new(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), i);
        int on = 1;

        p->listening = true;
        if (setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
            bind(p->fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(p->fd, BACKLOG) < 0)
            die("listen");
        watch(p);
    }
    for (;;) {
        int n = wait_events(events, heap_count ? heap[0]->due : 0);

        for (int i = 0; i < n; i++) {
            struct peer *p = events[i].data.ptr;
            int fd;

            if (!p->listening)
                backend_input(p, instant, hold);
            else if ((fd = accept4(p->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
                watch(peer_new(fd, p->backend));
        }
        while (heap_count > 0 && heap[0]->due <= now_ns())
            answer(heap_pop());
    }
}

/* --- load --- */

struct load {
    int port;
    struct peer *idle[HEAP_MAX];
    size_t idle_count, count, failed, done;
    uint64_t start;
    double *took_ms, *late_ms; /* late: in addition to the slowest delay */
    unsigned *failed_at;       /* of those that were due in each second */
};

static void failed(struct load *l, uint64_t intended)
{
    l->failed++;
    l->failed_at[(intended - l->start) / SECOND]++;
}

static void ask(struct load *l, uint64_t id, uint64_t intended)
{
    struct sockaddr_in address = loopback(l->port);
    struct peer *p = l->idle_count > 0 ? l->idle[--l->idle_count] : NULL;
    char out[128];
    int n = snprintf(out, sizeof out, "GET /page/%llu HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                     (unsigned long long)id);

    if (p == NULL) {
        p = peer_new(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), -1);
        if (connect(p->fd, (struct sockaddr *)&address, sizeof address) < 0)
            die("connect");
        watch(p);
    }
    p->id = id;
    p->intended = intended;
    p->used = p->want = 0;
    p->busy = true;
    if (send(p->fd, out, (size_t)n, MSG_NOSIGNAL) != n)
        die("send");
}

static void whole(struct load *l, struct peer *p)
{
    uint64_t slowest = 0, took = now_ns() - p->intended;

    for (int i = 0; i < CALLS; i++) {
        uint64_t d = delay_ns(i, p->id, 0);
        slowest = d > slowest ? d : slowest;
    }
    l->took_ms[l->count] = (double)took / 1e6;
    l->late_ms[l->count++] = ((double)took - (double)slowest) / 1e6;
    if (strncmp(p->in, "HTTP/1.1 200", 12) != 0 || strstr(p->in, "\"error\"") != NULL)
        failed(l, p->intended);
    l->done++;
    p->busy = false;
    l->idle[l->idle_count++] = p;
}

static void load_input(struct load *l, struct peer *p)
{
    ssize_t n = recv(p->fd, p->in + p->used, sizeof p->in - 1 - p->used, 0);
    char *end, *length;

    if (n <= 0 && !p->busy) { /* an idle connection timed out: it is not used again */
        for (size_t i = 0; i < l->idle_count; i++)
            if (l->idle[i] == p)
                l->idle[i] = l->idle[--l->idle_count];
    }
    if (n <= 0) {
        if (p->busy) {
            failed(l, p->intended);
            l->done++;
        }
        close(p->fd);
        free(p);
        return;
    }
    p->used += (size_t)n;
    p->in[p->used] = '\0';
    if (p->want == 0 && (end = strstr(p->in, "\r\n\r\n"))) {
        length = strcasestr(p->in, "\r\ncontent-length:");
        if (length == NULL || length > end) {
            fprintf(stderr, "an answer without a Content-Length\n");
            exit(1);
        }
        p->want = (size_t)(end + 4 - p->in) + strtoul(length + 17, NULL, 10);
    }
    if (p->want > 0 && p->used >= p->want)
        whole(l, p);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double quantile(const struct load *l, double *values, double q)
{
    if (l->count == 0)
        return NAN;
    qsort(values, l->count, sizeof *values, by_value);
    return values[(size_t)(q * (double)(l->count - 1))];
}

static void report(const struct load *l, uint64_t total, unsigned seconds)
{
    printf("{\"requests\":%llu,\"failed\":%zu", (unsigned long long)total,
           l->failed + (size_t)(total - l->done));
    printf(",\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f", quantile(l, l->late_ms, 0.5),
           quantile(l, l->late_ms, 0.9), quantile(l, l->late_ms, 0.99), quantile(l, l->late_ms, 1));
    printf(",\"took_p50_ms\":%.3f,\"took_p99_ms\":%.3f,\"failed_at\":[", quantile(l, l->took_ms, 0.5),
           quantile(l, l->took_ms, 0.99));
    for (unsigned i = 0; i < seconds; i++)
        printf("%s%u", i == 0 ? "" : ",", l->failed_at[i]);
    printf("]}\n");
}

static void load(int port, unsigned rate, unsigned seconds, uint64_t first)
{
    static struct load l;
    struct epoll_event events[EVENTS];
    uint64_t total = (uint64_t)rate * seconds, asked = 0, give_up;

    l.port = port;
    l.start = now_ns() + 10000000u;
    l.took_ms = calloc(total, sizeof *l.took_ms);
    l.late_ms = calloc(total, sizeof *l.late_ms);
    l.failed_at = calloc(seconds, sizeof *l.failed_at);
    if (l.took_ms == NULL || l.late_ms == NULL || l.failed_at == NULL)
        die("calloc");
    give_up = l.start + (seconds + 5) * SECOND;
    while (l.done < total && now_ns() < give_up) {
        uint64_t next = asked < total ? l.start + asked * SECOND / rate : give_up;
        int n = wait_events(events, next);

        for (int i = 0; i < n; i++)
            load_input(&l, events[i].data.ptr);
        if (asked < total && now_ns() >= next) {
            ask(&l, first + asked, next);
            asked++;
        }
    }
    report(&l, total, seconds);
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";

    (void)prctl(PR_SET_TIMERSLACK, 1);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (strcmp(what, "backends") == 0) {
        const char *how = argc > 3 ? argv[3] : "";
        double hold = strcmp(how, "hold") == 0 && argc > 4 ? atof(argv[4]) : 0;

        backends(atoi(argv[2]), strcmp(how, "instant") == 0, (uint64_t)(hold * 1e9));
    } else if (strcmp(what, "load") == 0 && argc > 4) {
        load(atoi(argv[2]), (unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]),
             argc > 5 ? strtoull(argv[5], NULL, 10) : 0);
    } else {
        fprintf(stderr, "usage: bench-load-replay backends PORT [instant | hold SECONDS]\n"
                        "       bench-load-replay load PORT RATE SECONDS [FIRST_ID]\n");
        return 2;
    }
    return 0;
}
