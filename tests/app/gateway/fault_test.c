/* SPDX-License-Identifier: MIT */
/* A whole gateway of computing routes, of which every allocation fails once while it answers: the 1st, the
 * 2nd, … until a run reaches no more. Each request gets its right answer, a 503, or a connection that is
 * visibly broken; none hangs, and the same request right after it is answered in full. ASan finds the leaks.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "config/load.h"
#include "gateway/gateway.h"
#include "routes/table.h"
#include "support/fault.h"
#include "support/run.h"

#if defined(__SANITIZE_THREAD__)
#define THUMBNAIL "" /* libvips and what it uses are not built for TSan */
#else
#define THUMBNAIL "  - {path: /thumb, thumbnail: {width: 8, height: 8, format: png}}\n"
#endif

static const char configuration[] = "listen: 127.0.0.1:0\n"
                                    "loops: 1\n"
                                    "io: %s\n"
                                    "access_log: false\n"
                                    "pools: {compute: {workers: 2, wait: 60s}}\n"
                                    "headers: {response: {set: {x-always: 'yes', x-path: '{path}'}}}\n"
                                    "routes:\n"
                                    "  - {path: /hash, hash: {algorithm: sha256}}\n"
                                    "  - {path: /gzip, compress: {encoding: gzip}}\n"
                                    "  - {path: /pick, json: {pick: {a: /b, c: [/d]}}}\n"
                                    "  - {path: /code, json: {pick: \"\"}, compress_response: {encodings: "
                                    "[gzip], min: \"1\"}}\n"
                                    "  - {path: /burn, methods: POST, burn: {cpu: 1ms}}\n" THUMBNAIL;

enum { PATIENCE_S = 30, ANSWER_BYTES = 1 << 20, LARGE_BYTES = 20000 };

static const unsigned char png[] = {0x89, 'P', 'N',  'G',  0x0d, 0x0a, 0x1a, 0x0a, 0,    0,    0,    0x0d,
                                    'I',  'H', 'D',  'R',  0,    0,    0,    1,    0,    0,    0,    1,
                                    8,    6,   0,    0,    0,    0x1f, 0x15, 0xc4, 0x89, 0,    0,    0,
                                    0x0d, 'I', 'D',  'A',  'T',  0x78, 0xda, 0x63, 0x64, 0xf8, 0xcf, 0x50,
                                    0x0f, 0,   0x03, 0x86, 0x01, 0x80, 0x5a, 0x34, 0x7d, 0x6b, 0,    0,
                                    0,    0,   'I',  'E',  'N',  'D',  0xae, 0x42, 0x60, 0x82};

struct question {
    const char *path;
    const void *body;
    size_t bytes;
    bool may_be_plain; /* the answer may be sent uncompressed */
};

struct answer {
    int status;   /* 0: no whole answer */
    bool marked;  /* it has the headers that every answer has */
    size_t bytes; /* of the body */
    char body[ANSWER_BYTES];
};

struct world {
    struct config config;
    struct sockaddr_in at;
    pthread_t thread;
    int faults, refused, broken;
    char fault[200]; /* the first failure; "" none */
};

/* Keeps the first failure, since cmocka can't fail a test from another thread. */
#define WRONG(w, ...)                                                                                        \
    do {                                                                                                     \
        if ((w)->fault[0] == '\0')                                                                           \
            (void)snprintf((w)->fault, sizeof(w)->fault, __VA_ARGS__);                                       \
    } while (0)

/* --- a client that allocates nothing --- */

static bool send_all(int fd, const void *data, size_t bytes)
{
    const char *at = data;

    while (bytes > 0) {
        ssize_t n = send(fd, at, bytes, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += n;
        bytes -= (size_t)n;
    }
    return true;
}

/* Reports whether an answer is whole: by its length, or by its last chunk. */
static void read_answer(char *text, size_t length, struct answer *a)
{
    char *body = memmem(text, length, "\r\n\r\n", 4), *said;
    size_t bytes;

    if (body == NULL)
        return;
    body[2] = '\0';
    body += 4;
    bytes = length - (size_t)(body - text);
    said = strcasestr(text, "content-length:");
    if (said != NULL ? strtoul(said + 15, NULL, 10) != bytes
                     : bytes < 5 || memcmp(text + length - 5, "0\r\n\r\n", 5) != 0)
        return;
    a->status = atoi(text + 9);
    a->marked = strcasestr(text, "x-always: yes\r\n") != NULL && strcasestr(text, "x-path: /") != NULL;
    a->bytes = bytes;
    memcpy(a->body, body, bytes);
}

static void ask(struct world *w, const struct question *q, struct answer *a)
{
    static char text[ANSWER_BYTES];
    const struct timeval timeouts = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_INET, SOCK_STREAM, 0), head;
    size_t length = 0;
    ssize_t n = 0;

    a->status = 0;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeouts, sizeof timeouts);
    if (connect(fd, (struct sockaddr *)&w->at, sizeof w->at) < 0)
        WRONG(w, "%s: it can't be connected to", q->path);
    head = snprintf(text, sizeof text,
                    "POST %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAccept-Encoding: gzip\r\n"
                    "Content-Length: %zu\r\n\r\n",
                    q->path, q->bytes);
    if (send_all(fd, text, (size_t)head))
        (void)send_all(fd, q->body, q->bytes); /* a server that refuses the body may not read all of it */
    while (length < sizeof text && ((n = recv(fd, text + length, sizeof text - length, 0)) > 0 ||
                                    (n < 0 && errno == EINTR))) /* by a SIGSTOP, too: it has a time limit */
        length += n > 0 ? (size_t)n : 0;
    if (n < 0 && errno == EAGAIN)
        WRONG(w, "%s: no answer in %d s", q->path, PATIENCE_S);
    read_answer(text, length, a);
    (void)close(fd);
}

static bool same(const struct answer *a, const struct answer *b)
{
    return a->bytes == b->bytes && memcmp(a->body, b->body, a->bytes) == 0;
}

static bool is(const struct answer *a, const struct question *q)
{
    return a->bytes == q->bytes && memcmp(a->body, q->body, a->bytes) == 0;
}

static void check(struct world *w, const struct question *q, long n, const struct answer *right,
                  const struct answer *got)
{
    w->refused += got->status == 503;
    w->broken += got->status == 0;
    if (got->status == 200 && !same(got, right) && !(q->may_be_plain && is(got, q)))
        WRONG(w, "%s, allocation %ld: another answer", q->path, n);
    if (got->status == 200 && !got->marked)
        WRONG(w, "%s, allocation %ld: without the headers of the rules", q->path, n);
    if (got->status != 200 && got->status != 503 && got->status != 0)
        WRONG(w, "%s, allocation %ld: status %d", q->path, n, got->status);
}

static void ask_with_each_fault(struct world *w, const struct question *q)
{
    static struct answer right, got;
    bool struck = true;

    ask(w, q, &right);
    if (right.status != 200)
        WRONG(w, "%s: status %d", q->path, right.status);
    for (long n = 1; struck && w->fault[0] == '\0'; n++) {
        fault_at(n);
        ask(w, q, &got);
        struck = fault_end();
        w->faults += struck;
        check(w, q, n, &right, &got);
        ask(w, q, &got); /* as if nothing had happened */
        if (got.status != 200 || !same(&got, &right))
            WRONG(w, "%s, after allocation %ld: status %d", q->path, n, got.status);
    }
}

static void *be_clients(void *arg)
{
    static char large[LARGE_BYTES];
    const struct question questions[] = {
        {.path = "/hash", .body = "abc", .bytes = 3},
        {.path = "/gzip", .body = large, .bytes = sizeof large},
        {.path = "/pick", .body = "{\"b\":1,\"d\":[2]}", .bytes = 15},
        {.path = "/code", .body = "{\"b\":1,\"d\":[2]}", .bytes = 15, .may_be_plain = true},
        {.path = "/code", .body = large, .bytes = sizeof large, .may_be_plain = true},
        {.path = "/burn"},
        {.path = "/thumb", .body = png, .bytes = sizeof png},
    };
    const size_t count = sizeof questions / sizeof *questions - (*THUMBNAIL == '\0');

    memset(large, 'x', sizeof large);
    large[0] = large[sizeof large - 1] = '"'; /* a document, too */
    for (size_t i = 0; i < count; i++)
        ask_with_each_fault(arg, &questions[i]);
    (void)kill(getpid(), SIGTERM);
    return NULL;
}

/* --- the gateway --- */

static void started(void *arg, const char *const *listening, size_t count)
{
    struct world *w = arg;

    assert_int_equal(count, 1);
    w->at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    w->at.sin_port = htons((uint16_t)atoi(strrchr(listening[0], ':') + 1));
    assert_int_equal(pthread_create(&w->thread, NULL, be_clients, w), 0);
}

static void answer_on(const char *io)
{
    struct world w = {0};
    const struct gateway_events events = {.started = started, .arg = &w};
    struct config_faults faults;
    char text[sizeof configuration + 8];
    int n = snprintf(text, sizeof text, configuration, io);

    config_faults_open(&faults, "gateway_fault_test");
    assert_int_equal(config_parse(&w.config, text, (size_t)n, &route_kinds, &faults), 0);
    assert_int_equal(gateway_run("test", &w.config, NULL, &events), 0);
    assert_int_equal(pthread_join(w.thread, NULL), 0);
    config_free(&w.config);
    if (w.fault[0] != '\0')
        fail_msg("%s: %s", io, w.fault);
    assert_true(w.faults > 40 && w.refused > 20);
}

static void each_request_has_its_own_answer_or_an_honest_refusal(void **state)
{
    (void)state;
    answer_on("epoll");
    if (io_is_here(WEIR_IO_URING))
        answer_on("uring");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_has_its_own_answer_or_an_honest_refusal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
