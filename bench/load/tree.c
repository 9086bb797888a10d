/* SPDX-License-Identifier: MIT */
/* /tasks of a gateway with a hundred thousand tasks that come and go, as seen by a client of its admin
 * address: from the request to the last byte. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <weir.h>

#include "admin/admin.h"
#include "config/load.h"
#include "metrics/request_counts.h"
#include "routes/table.h"

enum { TASKS = 100000, CHILDREN = 9, LOOKS = 15, CHILD_MS = 1000, PIECE_BYTES = 1 << 16, TAIL_BYTES = 64 };

static const char end_of_tree[] =
    "}\n\r\n0\r\n\r\n"; /* the only line end in the answer, and the last chunk */

struct bench {
    struct gateway_status status;
    unsigned short port; /* of the admin address */
    int64_t parents;
    atomic_bool runs, over;
};

static void fail(const char *what)
{
    fprintf(stderr, "bench-load-tree: %s\n", what);
    exit(1);
}

/* --- the tasks: nine in ten live for about a second below the tenth, and each has a successor --- */

static int live(void *arg)
{
    weir_scope *scope = arg;
    int err = weir_sleep(weir_ms(CHILD_MS / 2 + (int64_t)weir_random_below(CHILD_MS)));

    return err < 0 ? err : weir_spawn(scope, "call", live, scope);
}

static int have_children(void *arg)
{
    weir_scope scope;
    int err;

    (void)arg;

    weir_scope_open(&scope, weir_after(weir_seconds(1000)), 0);
    for (int i = 0; i < CHILDREN; i++)
        weir_spawn(&scope, "call", live, &scope);
    err = weir_sleep_until(weir_never());
    (void)weir_scope_close(&scope);
    return err;
}

static int serve(void *arg)
{
    struct bench *b = arg;
    weir_scope scope;
    int err = 0;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int64_t i = 0; i < b->parents && err == 0; i++)
        err = weir_spawn(&scope, "parent", have_children, NULL);
    gateway_status_runs(&b->status, weir_runtime_here(), NULL);
    atomic_store(&b->runs, true);
    while (err == 0 && !atomic_load(&b->over))
        err = weir_sleep(weir_ms(10));
    gateway_status_stops(&b->status);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    return err;
}

/* --- the client --- */

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int dial(unsigned short port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        fail("the admin address can't be reached");
    return fd;
}

static bool is_whole(const char *tail, size_t length)
{
    const size_t end = sizeof end_of_tree - 1;

    return length >= end && memcmp(tail + length - end, end_of_tree, end) == 0;
}

/* Keeps the last bytes that were received. */
static size_t keep_tail(char *tail, size_t length, const char *piece, size_t bytes)
{
    size_t kept;

    if (bytes >= TAIL_BYTES) {
        memcpy(tail, piece + bytes - TAIL_BYTES, TAIL_BYTES);
        return TAIL_BYTES;
    }
    kept = length + bytes > TAIL_BYTES ? TAIL_BYTES - bytes : length;
    memmove(tail, tail + length - kept, kept);
    memcpy(tail + kept, piece, bytes);
    return kept + bytes;
}

/* Returns: the number of tasks of the loop. */
static long look(int fd, const char *query, double *seconds, size_t *bytes)
{
    static char piece[PIECE_BYTES];
    char request[128], tail[TAIL_BYTES];
    size_t length = 0;
    long tasks = -1;
    double start = now_s();
    int n = snprintf(request, sizeof request, "GET /tasks%s HTTP/1.1\r\nHost: localhost\r\n\r\n", query);

    *bytes = 0;
    if (send(fd, request, (size_t)n, 0) != n)
        fail("the admin address has gone");
    while (!is_whole(tail, length)) {
        ssize_t came = recv(fd, piece, sizeof piece - 1, 0);
        const char *count;
        if (came <= 0)
            fail("the answer is not whole");
        piece[came] = '\0';
        count = tasks < 0 ? strstr(piece, "\"tasks\":") : NULL;
        if (count != NULL)
            tasks = strtol(count + strlen("\"tasks\":"), NULL, 10);
        length = keep_tail(tail, length, piece, (size_t)came);
        *bytes += (size_t)came;
    }
    *seconds = now_s() - start;
    return tasks;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void look_again_and_again(const struct bench *b, const char *what, const char *query)
{
    int fd = dial(b->port);
    double s[LOOKS];
    size_t bytes;
    long tasks = 0;
    double first;

    for (int i = 0; i < LOOKS; i++)
        tasks = look(fd, query, &s[i], &bytes);
    close(fd);
    first = s[0];
    qsort(s, LOOKS, sizeof s[0], by_size);
    printf("%ld tasks%-16s %6.0f ms median %6.0f ms worst %6.0f ms first, %zu MB\n", tasks, what,
           s[LOOKS / 2] * 1e3, s[LOOKS - 1] * 1e3, first * 1e3, bytes >> 20);
}

/* Before the tasks begin there is nothing to read. */
static void wait_until_it_runs(const struct bench *b)
{
    const struct timespec moment = {.tv_nsec = 1000000};

    while (!atomic_load(&b->runs))
        nanosleep(&moment, NULL);
}

/* All tasks exist, and they no longer begin and end in waves. */
static void settle(const struct bench *b)
{
    const struct timespec while_they_mix = {.tv_sec = 5 * CHILD_MS / 1000};
    int fd = dial(b->port);
    double seconds;
    size_t bytes;

    while (look(fd, "?limit=1&stacks=0", &seconds, &bytes) < b->parents * CHILDREN)
        ;
    close(fd);
    nanosleep(&while_they_mix, NULL);
}

static void *watch(void *arg)
{
    struct bench *b = arg;

    wait_until_it_runs(b);
    settle(b);
    look_again_and_again(b, "", "?stacks=0");
    look_again_and_again(b, ", with stacks", "?stacks=1");
    atomic_store(&b->over, true);
    return NULL;
}

/* --- both --- */

static unsigned short free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (bind(fd, (const struct sockaddr *)&address, length) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        fail("no port is free");
    close(fd);
    return ntohs(address.sin_port);
}

static void read_config(struct bench *b, struct config *config, struct config_faults *faults)
{
    char text[256];
    int n = snprintf(text, sizeof text,
                     "listen: 127.0.0.1:1\nadmin: 127.0.0.1:%u\nroutes:\n  - {path: /, respond: {body: x}}\n",
                     b->port);

    config_faults_open(faults, "bench");
    if (config_parse(config, text, (size_t)n, &route_kinds, faults) < 0 ||
        request_counts_open(config, &b->status.requests) < 0)
        fail("no configuration");
}

int main(int argc, char **argv)
{
    static struct bench b;
    const weir_options options = {.tasks_max = 2 * TASKS};
    struct config_faults faults;
    struct config config;
    struct admin *admin;
    pthread_t client;
    int err;

    gateway_status_init(&b.status);
    b.port = free_port();
    b.parents = (argc > 1 ? atoll(argv[1]) : TASKS) / (CHILDREN + 1);
    read_config(&b, &config, &faults);
    if (admin_start(&config, &b.status, NULL, &admin) < 0)
        fail("no admin address");
    if (pthread_create(&client, NULL, watch, &b) != 0)
        fail("no thread");
    err = weir_run(&options, serve, &b);
    pthread_join(client, NULL);
    admin_stop(admin);
    request_counts_free(b.status.requests);
    config_free(&config);
    gateway_status_end(&b.status);
    if (err < 0)
        fail(weir_error_text(err));
    return 0;
}
