/* SPDX-License-Identifier: MIT */
/* Servers in processes of their own, at one listening socket, and a client without a runtime.
 *
 * GET / is answered with the process and the loop: "123 0". GET /hold holds the loop, by computing or, with
 * /block, in a call, until release() lets it go on.
 */
#ifndef TESTS_HTTP_SERVER_FORKED_H
#define TESTS_HTTP_SERVER_FORKED_H

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/run.h"

enum { PATIENCE_MS = 60000 };

/* What the processes of a test have in common. */
struct forked {
    atomic_int held;   /* loops that are held now */
    atomic_bool holds; /* they stay so */
};

static struct forked *common;
static int queue = -1; /* the listening socket */
static struct sockaddr_in queue_address;

/* --- in a server --- */

static int hold(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)state;
    atomic_fetch_add(&common->held, 1);
    while (atomic_load(&common->holds))
        continue;
    atomic_fetch_sub(&common->held, 1);
    return weir_respond_text(res, 200, "held");
}

static int block(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)state;
    atomic_fetch_add(&common->held, 1);
    while (atomic_load(&common->holds))
        (void)poll(NULL, 0, 100);
    atomic_fetch_sub(&common->held, 1);
    return weir_respond_text(res, 200, "held");
}

static int which(weir_request *req, weir_response *res, void *state)
{
    char text[32];

    (void)req, (void)state;
    (void)snprintf(text, sizeof text, "%d %d", (int)getpid(), weir_loop_index());
    return weir_respond_text(res, 200, text);
}

static const weir_route forked_routes[] = {{.path = "/hold", .handler = hold},
                                           {.path = "/block", .handler = block},
                                           {.path = "/", .handler = which}};

static void serve_queue(enum weir_io io, int loops, bool shared)
{
    const weir_listener_options listener = {.fd = queue, .fd_shared = shared};
    const weir_server_options options = {
        .listeners = &listener,
        .listener_count = 1,
        .runtime = {.io = io, .loops = loops, .log_level = WEIR_LOG_ERROR},
    };

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    _exit(weir_serve(&options, forked_routes, sizeof forked_routes / sizeof *forked_routes) == 0 ? 0 : 1);
}

/* Starts a server. Returns: its process. */
static pid_t fork_server(enum weir_io io, int loops, bool shared)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        serve_queue(io, loops, shared);
    return pid;
}

/* --- in the test --- */

static void open_queue(void)
{
    socklen_t length = sizeof queue_address;

    if (common == NULL)
        common = mmap(NULL, sizeof *common, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(common, MAP_FAILED);
    queue_address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    queue = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(queue, (struct sockaddr *)&queue_address, sizeof queue_address), 0);
    assert_int_equal(listen(queue, 512), 0);
    assert_int_equal(getsockname(queue, (struct sockaddr *)&queue_address, &length), 0);
}

static void close_queue(void)
{
    (void)close(queue);
    queue = -1;
}

static int ask_for(int fd, const char *path)
{
    char text[128];
    int length = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);

    if (fd < 0) {
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&queue_address, sizeof queue_address), 0);
    }
    assert_int_equal(send(fd, text, (size_t)length, MSG_NOSIGNAL), length);
    return fd;
}

struct answered {
    int process, loop; /* 0: the connection has ended instead */
};

/* Reads the answer to GET /, which is small enough to come whole. */
static struct answered answer_of(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    struct answered a = {0, 0};
    char text[1024];
    ssize_t n;

    assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
    n = recv(fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    if (n > 0 && strstr(text, "\r\n\r\n") != NULL)
        (void)sscanf(strstr(text, "\r\n\r\n"), "\r\n\r\n%d %d", &a.process, &a.loop);
    return a;
}

static struct answered ask_once(void)
{
    int fd = ask_for(-1, "/");
    struct answered a = answer_of(fd);

    (void)close(fd);
    return a;
}

/* Opens a connection that a process serves, on one of its loops; loop < 0: any. Others are opened until that
 * is the one with the fewest. */
static int connect_to(pid_t process, int loop)
{
    int others[64], count = 0, fd = -1;

    while (fd < 0) {
        int next = ask_for(-1, "/");
        struct answered a = answer_of(next);
        if (a.process == process && (loop < 0 || a.loop == loop))
            fd = next;
        else if (count < (int)(sizeof others / sizeof *others))
            others[count++] = next;
        else
            (void)close(next);
    }
    while (count > 0)
        (void)close(others[--count]);
    return fd;
}

static void wait_until_held(int loops)
{
    while (atomic_load(&common->held) < loops)
        (void)poll(NULL, 0, 1);
}

static int end_of(pid_t process)
{
    int status;

    while (waitpid(process, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return status;
}

static void end_server(pid_t process)
{
    assert_int_equal(kill(process, SIGTERM), 0);
    assert_int_equal(end_of(process), 0);
}

#endif
