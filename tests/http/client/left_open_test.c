/* SPDX-License-Identifier: MIT */
/* A client, a backend and a pool of connections that are left open with an idle connection, whose server
 * stays beyond the end of weir_run(): each is reported, its connection is closed, and its memory is freed,
 * which ASan sees. */
#include "client_rig.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- a server outside of the runtime, for one connection --- */

enum { SAID_BYTES = 4096 };

struct outside {
    int listener;
    char address[32];
    pthread_t thread;
    int answered;
};

/* Answers each piece that comes, a small request, until the client closes. */
static void *serve_outside(void *arg)
{
    struct outside *o = arg;
    int fd = accept(o->listener, NULL, NULL);
    char request[REQUEST_BYTES];

    while (recv(fd, request, sizeof request, 0) > 0) {
        o->answered++;
        if (send(fd, OK_ANSWER, strlen(OK_ANSWER), MSG_NOSIGNAL) < 0)
            break;
    }
    close(fd);
    return NULL;
}

static void outside_open(struct outside *o)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;

    *o = (struct outside){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(bind(o->listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(o->listener, 1), 0);
    assert_int_equal(getsockname(o->listener, (struct sockaddr *)&at, &len), 0);
    (void)snprintf(o->address, sizeof o->address, "127.0.0.1:%d", ntohs(at.sin_port));
    assert_int_equal(pthread_create(&o->thread, NULL, serve_outside, o), 0);
}

/* Waits for the end of the connection. */
static void outside_close(struct outside *o)
{
    pthread_join(o->thread, NULL);
    close(o->listener);
}

/* --- what is left open --- */

static int leave_client(void *arg)
{
    const struct outside *o = arg;
    char url[64];

    (void)snprintf(url, sizeof url, "http://%s/", o->address);
    get_ok(client_open(NULL), url);
    return 0;
}

static int leave_backend(void *arg)
{
    const struct outside *o = arg;
    char url[64];
    const char *const urls[] = {url};
    const weir_backend_options options = {.name = "outside", .urls = urls, .url_count = 1};
    weir_client *client = client_open(NULL);
    weir_fetch_options fetch = {.url = "/"};
    weir_reply reply;

    (void)snprintf(url, sizeof url, "http://%s", o->address);
    assert_int_equal(weir_backend_open(&options, &fetch.backend), 0);
    assert_int_equal(weir_fetch(client, &fetch, &reply), 0);
    weir_reply_free(&reply);
    weir_client_close(client);
    return 0;
}

/* Asks, over a connection that stays taken. Returns: the connection. */
static weir_connection *ask_outside(weir_connections *pool)
{
    weir_connection *c;
    char answer[sizeof OK_ANSWER];
    size_t len = 0;

    assert_int_equal(weir_connection_take(pool, &c), 0);
    assert_int_equal(send_text(weir_connection_stream(c), "x"), 0);
    while (len < strlen(OK_ANSWER)) {
        ssize_t n = weir_read(weir_connection_stream(c), answer + len, sizeof answer - len);
        assert_true(n > 0);
        len += (size_t)n;
    }
    return c;
}

static weir_connections *pool_open(const struct outside *o)
{
    weir_connections *pool;

    assert_int_equal(weir_connections_open(&(weir_connections_options){.address = o->address}, &pool), 0);
    return pool;
}

static int leave_pool(void *arg)
{
    weir_connection_give_back(ask_outside(pool_open(arg)));
    return 0;
}

static int leave_taken(void *arg)
{
    (void)ask_outside(pool_open(arg));
    return 0;
}

struct leaving {
    int (*leave)(void *arg);
    struct outside outside;
};

static int leave_on_loop_1(void *arg)
{
    struct leaving *l = arg;

    return weir_loop_call(1, "leaving", l->leave, &l->outside);
}

static int leave_here(void *arg)
{
    struct leaving *l = arg;

    return l->leave(&l->outside);
}

/* --- the tests --- */

static void keep_line(void *arg, enum weir_log_level level, const char *line, size_t length)
{
    char *said = arg;
    size_t used = strlen(said);

    (void)level;
    (void)snprintf(said + used, SAID_BYTES - used, "%.*s\n", (int)length, line);
}

static void expect_report(const char *said, const char *many)
{
    char expected[96];

    (void)snprintf(expected, sizeof expected, "%s left open at the end of weir_run() count=1", many);
    if (strstr(said, expected) == NULL)
        fail_msg("no \"%s\" in: %s", expected, said);
}

/* Only these are reported: many, and also if it is not NULL. */
static void expect_end(int (*leave)(void *arg), const char *many, const char *also)
{
    const enum weir_io types[] = {WEIR_IO_EPOLL, WEIR_IO_URING};

    for (size_t i = 0; i < sizeof types / sizeof *types && io_is_here(types[i]); i++)
        for (int loops = 1; loops <= 2; loops++) {
            struct leaving l = {.leave = leave};
            char said[SAID_BYTES] = "";
            const weir_options options = {
                .io = types[i], .loops = loops, .log_sink = keep_line, .log_sink_arg = said};

            outside_open(&l.outside);
            assert_int_equal(weir_run(&options, loops == 1 ? leave_here : leave_on_loop_1, &l), 0);
            outside_close(&l.outside);
            assert_int_equal(l.outside.answered, 1);
            expect_report(said, many);
            if (also != NULL)
                expect_report(said, also);
            assert_null(strstr(said, "streams left open"));
        }
}

static void a_client_ends_with_its_idle_connection(void **state)
{
    (void)state;
    expect_end(leave_client, "HTTP clients", NULL);
}

static void a_backend_ends_with_its_idle_connection(void **state)
{
    (void)state;
    expect_end(leave_backend, "backends", NULL);
}

static void a_pool_ends_with_its_connection(void **state)
{
    (void)state;
    expect_end(leave_pool, "pools of connections", NULL);
    expect_end(leave_taken, "pools of connections", "connections of a pool");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_ends_with_its_idle_connection),
        cmocka_unit_test(a_backend_ends_with_its_idle_connection),
        cmocka_unit_test(a_pool_ends_with_its_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
