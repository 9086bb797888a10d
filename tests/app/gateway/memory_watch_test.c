/* SPDX-License-Identifier: MIT */
/* A gateway whose memory runs short: it refuses new requests, finishes those in progress, and takes requests
 * again when there is memory. It reads the state of memory from files of the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
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
#include "support/files.h"

static const char configuration[] = "listen: 127.0.0.1:0\nloops: 1\naccess_log: false\ndrain: 60s\n"
                                    "routes:\n"
                                    "  - {path: /, respond: {body: hello}}\n"
                                    "  - {path: /slow, sleep: {for: 2s}}\n";

enum { PATIENCE_S = 30, TRIES = 3000 };

struct world {
    struct sockaddr_in at;
    pthread_t thread;
    const char *fault; /* the first failure; NULL: none */
};

static int send_request(const struct world *w, const char *path)
{
    const struct timeval timeouts = {.tv_sec = PATIENCE_S};
    char text[128];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", path);

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeouts, sizeof timeouts);
    if (connect(fd, (const struct sockaddr *)&w->at, sizeof w->at) < 0 ||
        send(fd, text, (size_t)n, MSG_NOSIGNAL) != n) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The status of the answer, and whether its text names memory. */
static int read_answer(int fd, bool *of_memory)
{
    char text[2048];
    size_t length = 0;
    ssize_t n;

    while ((n = recv(fd, text + length, sizeof text - 1 - length, 0)) > 0 || (n < 0 && errno == EINTR))
        length += n > 0 ? (size_t)n : 0;
    close(fd);
    text[length] = '\0';
    if (of_memory != NULL)
        *of_memory = strstr(text, "memory is short") != NULL && strcasestr(text, "\nretry-after:") != NULL;
    return length > 12 ? atoi(text + 9) : 0;
}

static bool comes_to(const struct world *w, int wanted)
{
    bool of_memory = false;

    for (int i = 0; i < TRIES; i++) {
        int status = read_answer(send_request(w, "/"), &of_memory);
        if (status == wanted)
            return wanted != 503 || of_memory;
        usleep(10000);
    }
    return false;
}

static void *be_client(void *arg)
{
    struct world *w = arg;
    int slow = send_request(w, "/slow");

    if (!comes_to(w, 200))
        w->fault = "with memory it does not answer";
    files_put("/sys/fs/cgroup/memory.current", "96000000\n");
    if (w->fault == NULL && !comes_to(w, 503))
        w->fault = "without memory it does not refuse";
    if (read_answer(slow, NULL) != 200)
        w->fault = "what was in progress is not finished";
    files_put("/sys/fs/cgroup/memory.stat", "inactive_file 60000000\n"); /* the kernel can reclaim it */
    if (w->fault == NULL && !comes_to(w, 200))
        w->fault = "with memory again it does not answer";
    (void)kill(getpid(), SIGTERM);
    return NULL;
}

static void started(void *arg, const char *const *listening, size_t count)
{
    struct world *w = arg;

    assert_int_equal(count, 1);
    w->at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    w->at.sin_port = htons((uint16_t)atoi(strrchr(listening[0], ':') + 1));
    assert_int_equal(pthread_create(&w->thread, NULL, be_client, w), 0);
}

static void new_requests_are_refused_while_memory_is_short(void **state)
{
    struct world w = {0};
    const struct gateway_events events = {.started = started, .arg = &w, .root = files_root};
    struct config config;
    struct config_faults faults;

    (void)state;
    files_put("/proc/self/mountinfo", "31 24 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    files_put("/proc/self/cgroup", "0::/\n");
    files_put("/sys/fs/cgroup/memory.max", "100000000\n");
    files_put("/sys/fs/cgroup/memory.current", "60000000\n"); /* more than half: the watch looks often */
    config_faults_open(&faults, "memory_watch_test");
    assert_int_equal(config_parse(&config, configuration, sizeof configuration - 1, &route_kinds, &faults),
                     0);
    assert_int_equal(gateway_run("test", &config, NULL, &events), 0);
    assert_int_equal(pthread_join(w.thread, NULL), 0);
    config_free(&config);
    if (w.fault != NULL)
        fail_msg("%s", w.fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(new_requests_are_refused_while_memory_is_short, files_begin,
                                        files_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
