/* SPDX-License-Identifier: MIT */
/* The server as its clients see it: routes, bodies, keep-alive, limits, refusals, draining. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "http/server/server_rig.h"

static char answer[1 << 16];

/* --- handlers --- */

static int hello(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)state;
    return weir_reply_text(res, 200, "hello");
}

static int echo(weir_request *req, weir_response *res, void *state)
{
    weir_bytes body;
    int err = weir_read_body(req, &body, SIZE_MAX);

    (void)state;
    return err < 0 ? err : weir_reply_bytes(res, 200, "text/plain", body.data, body.len);
}

static int count(weir_request *req, weir_response *res, void *state)
{
    char piece[100], text[32];
    uint64_t bytes = 0;
    ssize_t n;

    (void)state;
    while ((n = weir_request_read(req, piece, sizeof piece)) > 0)
        bytes += (uint64_t)n;
    if (n < 0)
        return (int)n;
    (void)snprintf(text, sizeof text, "%lu", (unsigned long)bytes);
    return weir_reply_text(res, 200, text);
}

static int describe(weir_request *req, weir_response *res, void *state)
{
    char text[512];
    const char *id = weir_request_param(req, "id"), *x = weir_request_header(req, "X-Test");

    (void)state;
    (void)snprintf(text, sizeof text, "%s|%s|%s|%s|%s|%s", weir_request_method(req), weir_request_target(req),
                   weir_request_path(req), weir_request_query(req), id != NULL ? id : "-",
                   x != NULL ? x : "-");
    return weir_reply_text(res, 200, text);
}

static int chunks(weir_request *req, weir_response *res, void *state)
{
    int err = weir_reply_begin(res, 200, "text/plain", -1);

    (void)req, (void)state;
    for (int i = 0; i < 3 && err == 0; i++)
        err = weir_reply_write(res, "abc", 3);
    return err;
}

static int broken(weir_request *req, weir_response *res, void *state)
{
    int err = weir_reply_begin(res, 200, "text/plain", 100);

    (void)req, (void)state;
    return err < 0 ? err : weir_reply_write(res, "only this", 9);
}

static int silent(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)res, (void)state;
    return 0;
}

static int failing(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)res, (void)state;
    return -WEIR_EBUSY;
}

static int outcome_of_sleep;
static weir_event asleep;

static int sleeping(weir_request *req, weir_response *res, void *state)
{
    char body[16];

    (void)state;
    weir_event_set(&asleep);
    while (weir_request_read(req, body, sizeof body) > 0)
        ;
    outcome_of_sleep = weir_sleep(weir_seconds(20));
    return outcome_of_sleep < 0 ? outcome_of_sleep : weir_reply_text(res, 200, "rested");
}

static const weir_route routes[] = {
    {.path = "/hello", .handler = hello},
    {.path = "/echo", .methods = "POST PUT", .handler = echo},
    {.path = "/tiny", .methods = "POST", .handler = echo, .body_bytes_max = 5},
    {.path = "/count", .handler = count, .body_bytes_max = 1 << 30},
    {.path = "/users/{id}", .methods = "GET", .handler = describe},
    {.path = "/files/*", .handler = describe},
    {.path = "/chunks", .handler = chunks},
    {.path = "/broken", .handler = broken},
    {.path = "/silent", .handler = silent},
    {.path = "/failing", .handler = failing},
    {.path = "/sleeping", .handler = sleeping},
};

#define RIG(fn)                                                                                              \
    {                                                                                                        \
        .routes = routes, .route_count = sizeof routes / sizeof *routes, .test = (fn)                        \
    }

/* --- one request, one answer --- */

struct row {
    const char *request;
    int status;
    const char *holds; /* somewhere in the answer; NULL: whatever */
    bool kept;
};

static const struct row rows[] = {
    {"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", 200, "\r\n\r\nhello", true},
    {"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, "connection: close", false},
    {"GET /hello HTTP/1.0\r\n\r\n", 200, "hello", false},
    {"GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, "connection: keep-alive", true},
    {"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", 404, "\"not_found\"", true},
    {"GET /echo HTTP/1.1\r\nHost: a\r\n\r\n", 405, "allow: POST, PUT\r\n", true},
    {"GET /users/7%2F8?q=1 HTTP/1.1\r\nHost: a\r\nx-test: yes\r\n\r\n", 200,
     "GET|/users/7%2F8?q=1|/users/7%2F8|q=1|7%2F8|yes", true},
    {"GET /x/../users/%7Ea HTTP/1.1\r\nHost: a\r\n\r\n", 200, "|/users/~a||%7Ea|-", true},
    {"GET /files HTTP/1.1\r\nHost: a\r\n\r\n", 200, "|/files||-|-", true},
    {"GET /users/..;/a HTTP/1.1\r\nHost: a\r\n\r\n", 404, NULL, true},
    {"GET /users/..;x=1 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "\"malformed\"", true},
    {"GET /users/%2e%2E%3bx HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, true},
    {"GET /users/.%2F HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, true},
    {"GET /users/..%5ca HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, true},
    {"GET /users/..\\a HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, true},
    {"GET /users/a%2f.. HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, true},
    {"GET /files/a/..;/b HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, true},
    {"GET /files/a/.;x HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, true},
    {"GET /users/...;a HTTP/1.1\r\nHost: a\r\n\r\n", 200, "|...;a|", true},
    {"GET /users/a;v=.. HTTP/1.1\r\nHost: a\r\n\r\n", 200, "|a;v=..|", true},
    {"GET /users/a.%2Fb HTTP/1.1\r\nHost: a\r\n\r\n", 200, "|a.%2Fb|", true},
    /* the server as a whole, and what is no part of it */
    {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 204, "allow: GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS\r\n",
     true},
    {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, false},
    {"CONNECT /hello HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, false},
    {"CONNECT http://a/hello HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, false},
    {"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501, NULL, false},
    {"GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, false},
    /* whoever waits to be told to go on is not told, and what it sends next can't be known */
    {"POST /nothing HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", 404,
     "connection: close\r\n", false},
    {"GET /echo HTTP/1.1\r\nHost: a\r\nExpect: x, 100-continue\r\nContent-Length: 3\r\n\r\n", 405,
     "connection: close\r\n", false},
    {"POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", 200, "connection: close\r\n",
     false},
    {"POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 404, NULL, true},
    {"GET /users/%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, false},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 200, "\r\n\r\nabc", true},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: "
     "t\r\n\r\n",
     200, "\r\n\r\nabcde", true},
    {"POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 200, "hello", true},
    {"POST /tiny HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde", 200, "abcde", true},
    {"POST /tiny HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabcdef", 413,
     "\"the request's body is larger than this route takes: 5 bytes at most (weir_limits.body_bytes)\"",
     false},
    {"POST /tiny HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n0\r\n\r\n", 413,
     NULL, false},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, NULL, false},
    {"GET /silent HTTP/1.1\r\nHost: a\r\n\r\n", 500, NULL, true},
    {"GET /failing HTTP/1.1\r\nHost: a\r\n\r\n", 503, "retry-after: 1\r\n", true},
    /* framing that could be read two ways, and what is no HTTP */
    {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400, NULL, false},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, NULL, false},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, NULL, false},
    {"GET /hello HTTP/1.1\r\n\r\n", 400, NULL, false},
    {"GET /hello HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, NULL, false},
    {"GET /hello HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n", 400, NULL, false},
    {"GET /hello HTTP/1.1\nHost: a\n\n", 400, NULL, false},
    {"nonsense\r\n\r\n", 400, NULL, false},
};

static int ask_each(struct rig *rig)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        weir_stream *s = rig_connect(rig);
        rig_send(s, rows[i].request);
        assert_int_equal(rig_answer(s, answer, sizeof answer), rows[i].status);
        if (rows[i].holds != NULL)
            assert_non_null(strstr(answer, rows[i].holds));
        if (rows[i].kept) {
            rig_send(s, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
        } else {
            assert_true(rig_is_closed(s));
        }
        weir_stream_close(s);
    }
    return 0;
}

static void each_request_gets_its_answer(void **state)
{
    struct rig rig = RIG(ask_each);

    (void)state;
    rig_run(&rig);
}

/* --- byte by byte, and several at once --- */

static int dribble(struct rig *rig)
{
    static const char request[] = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nwxyz";
    weir_stream *s = rig_connect(rig);

    for (size_t i = 0; i < sizeof request - 1; i++) {
        assert_int_equal(weir_write(s, request + i, 1), 0);
        assert_int_equal(weir_yield(), 0);
    }
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    assert_non_null(strstr(answer, "\r\n\r\nwxyz"));
    weir_stream_close(s);
    return 0;
}

static void a_request_may_come_byte_by_byte(void **state)
{
    struct rig rig = RIG(dribble);

    (void)state;
    rig_run(&rig);
}

static int pipeline(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);

    rig_send(s, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none"
                "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n"
                "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
                "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    assert_non_null(strstr(answer, "\r\n\r\none"));
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    assert_non_null(strstr(answer, "\r\n\r\ntwo"));
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    assert_non_null(strstr(answer, "\r\n\r\nhello"));
    assert_int_equal(rig_answer(s, answer, sizeof answer), 404);
    weir_stream_close(s);
    return 0;
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct rig rig = RIG(pipeline);

    (void)state;
    rig_run(&rig);
}

/* --- bodies --- */

static int upload(struct rig *rig)
{
    static char piece[100000];
    weir_stream *s = rig_connect(rig);

    rig_send(s, "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n");
    for (int i = 0; i < 100; i++)
        assert_int_equal(weir_write(s, piece, sizeof piece), 0);
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    assert_non_null(strstr(answer, "\r\n\r\n10000000"));
    weir_stream_close(s);
    return 0;
}

static void a_large_body_streams_through(void **state)
{
    struct rig rig = RIG(upload);

    (void)state;
    rig_run(&rig);
}

static int expect(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);

    rig_send(s, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(rig_answer(s, answer, sizeof answer), 100);
    rig_send(s, "abc");
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    assert_non_null(strstr(answer, "\r\n\r\nabc"));
    rig_send(s, "POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    assert_true(rig_is_closed(s)); /* the body may come or not: nobody can know */
    weir_stream_close(s);
    return 0;
}

static void continue_is_said_when_the_body_is_wanted(void **state)
{
    struct rig rig = RIG(expect);

    (void)state;
    rig_run(&rig);
}

static int head(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);
    char c;

    rig_send(s, "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    for (size_t n = 0; n < 4 || memcmp(answer + n - 4, "\r\n\r\n", 4) != 0; n++)
        assert_int_equal(weir_read(s, answer + n, 1), 1);
    assert_non_null(strstr(answer, "content-length: 5\r\n"));
    rig_send(s, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(weir_read(s, &c, 1), 1);
    assert_int_equal(c, 'H'); /* the next answer: no body came before it */
    weir_stream_close(s);
    return 0;
}

static void head_has_no_body(void **state)
{
    struct rig rig = RIG(head);

    (void)state;
    rig_run(&rig);
}

static int stream(struct rig *rig)
{
    static const char whole[] = "3\r\nabc\r\n3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n";
    weir_stream *s = rig_connect(rig);
    size_t n = 0;

    rig_send(s, "GET /chunks HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    assert_non_null(strstr(answer, "transfer-encoding: chunked"));
    while (n < sizeof whole - 1) {
        ssize_t got = weir_read(s, answer + n, sizeof whole - 1 - n);
        assert_true(got > 0);
        n += (size_t)got;
    }
    assert_memory_equal(answer, whole, n);
    rig_send(s, "GET /chunks HTTP/1.0\r\n\r\n");
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    assert_null(strstr(answer, "transfer-encoding"));
    for (n = 0; !rig_is_closed(s); n++)
        ;
    assert_int_equal(n, 9);
    weir_stream_close(s);
    return 0;
}

static void a_streamed_answer_is_chunked_or_ends_with_the_connection(void **state)
{
    struct rig rig = RIG(stream);

    (void)state;
    rig_run(&rig);
}

static int break_off(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);
    ssize_t n;

    rig_send(s, "GET /broken HTTP/1.1\r\nHost: a\r\n\r\n");
    do
        n = weir_read(s, answer, sizeof answer);
    while (n > 0);
    assert_int_equal(n, -ECONNRESET);
    weir_stream_close(s);
    return 0;
}

static void an_answer_cut_short_breaks_its_connection(void **state)
{
    struct rig rig = RIG(break_off);

    (void)state;
    rig_run(&rig);
}

/* --- leaving, limits, time --- */

static int leave(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);

    outcome_of_sleep = 1;
    weir_event_init(&asleep);
    rig_send(s, "GET /sleeping HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(weir_event_wait(&asleep), 0);
    weir_stream_close(s);
    assert_int_equal(weir_event_wait(&rig->recorded), 0);
    assert_int_equal(outcome_of_sleep, -WEIR_ECANCELED);
    assert_int_equal(rig->last.status, 0);
    assert_false(rig->last.complete);
    return 0;
}

static void a_client_that_leaves_cancels_its_exchange(void **state)
{
    struct rig rig = RIG(leave);

    (void)state;
    rig_run(&rig);
}

/* Behind what the client still asked for, or sent too much, its end is seen just as soon. */
static int leave_behind_more(struct rig *rig)
{
    static const char *const more[] = {"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n", "G"};
    static const char *const requests[] = {
        "GET /sleeping HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /sleeping HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nb"};

    for (size_t i = 0; i < 12; i++) {
        weir_stream *s = rig_connect(rig);
        outcome_of_sleep = 1;
        weir_event_init(&asleep);
        weir_event_init(&rig->recorded);
        rig_send(s, requests[i / 3 % 2]);
        if (i < 6)
            rig_send(s, more[i % 3]);
        assert_int_equal(weir_event_wait(&asleep), 0);
        if (i >= 6)
            rig_send(s, more[i % 3]);
        weir_stream_close(s);
        assert_int_equal(weir_event_wait(&rig->recorded), 0);
        assert_int_equal(outcome_of_sleep, -WEIR_ECANCELED);
        assert_int_equal(rig->last.status, 0);
    }
    return 0;
}

static void a_client_that_leaves_with_more_on_its_way_cancels_its_exchange(void **state)
{
    struct rig rig = RIG(leave_behind_more);

    (void)state;
    rig_run(&rig);
}

static int half_close(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);

    rig_send(s, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(weir_stream_shutdown(s), 0);
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    assert_true(rig_is_closed(s));
    weir_stream_close(s);
    return 0;
}

static void a_client_that_only_stops_sending_is_answered(void **state)
{
    struct rig rig = RIG(half_close);

    (void)state;
    rig_run(&rig);
}

static int too_many(struct rig *rig)
{
    weir_stream *first = rig_connect(rig), *second = rig_connect(rig);

    weir_event_init(&asleep);
    rig_send(first, "GET /sleeping HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(weir_event_wait(&asleep), 0);
    rig_send(second, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_answer(second, answer, sizeof answer), 503);
    assert_non_null(strstr(answer, "\"busy\""));
    assert_int_equal(rig_answer(first, answer, sizeof answer), 200);
    rig_send(second, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_answer(second, answer, sizeof answer), 200);
    weir_stream_close(first);
    weir_stream_close(second);
    return 0;
}

static void simulate(struct rig *rig)
{
    weir_options options = {.io = WEIR_IO_SIM};

    assert_int_equal(weir_run(&options, rig_main, rig), 0);
}

static void exchanges_beyond_the_limit_are_refused(void **state)
{
    struct rig rig = RIG(too_many);

    (void)state;
    rig.options.limits.exchanges = 1;
    simulate(&rig);
}

/* More tasks than there may be: those that exist are served, the others hear a 503, and it passes. */
static int exhaust_tasks(struct rig *rig)
{
    weir_stream *busy[8], *s = rig_connect(rig);
    int n = 0, status = 0;

    for (; n < 8 && status != 503; n++) {
        weir_scope soon;
        busy[n] = rig_connect(rig);
        rig_send(busy[n], "GET /sleeping HTTP/1.1\r\nHost: a\r\n\r\n");
        weir_scope_open(&soon, weir_after_ms(100), 0);
        status = rig_answer(busy[n], answer, sizeof answer);
        (void)weir_scope_close(&soon);
    }
    assert_int_equal(status, 503);
    assert_non_null(strstr(answer, "\"busy\""));
    assert_int_equal(strlen(strstr(answer, "\r\n\r\n") + 4), 69);
    assert_true(rig_is_closed(busy[n - 1]));
    for (int i = 0; i < n; i++)
        weir_stream_close(busy[i]);
    while (rig->records < n - 1) {
        weir_event_reset(&rig->recorded);
        assert_int_equal(weir_event_wait(&rig->recorded), 0);
    }
    rig_send(s, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    weir_stream_close(s);
    return 0;
}

static void without_memory_for_a_task_the_answer_is_503(void **state)
{
    struct rig rig = RIG(exhaust_tasks);
    weir_options options = {.io = WEIR_IO_SIM, .tasks_max = 8};

    (void)state;
    assert_int_equal(weir_run(&options, rig_main, &rig), 0);
}

static int be_slow(struct rig *rig)
{
    weir_instant start = weir_now();
    weir_stream *idle = rig_connect(rig), *slow = rig_connect(rig), *body = rig_connect(rig);

    rig_send(slow, "GET /hel");
    rig_send(body, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    assert_int_equal(rig_answer(slow, answer, sizeof answer), 408);
    assert_true(weir_between(start, weir_now()).ns / 1000000000 == 10);
    assert_true(rig_is_closed(slow));
    assert_int_equal(rig_answer(body, answer, sizeof answer), 408); /* at less than 256 bytes a second */
    assert_int_equal(weir_between(start, weir_now()).ns / 1000000000, 10);
    assert_true(rig_is_closed(body));
    assert_int_equal(rig_answer(idle, answer, sizeof answer), 0); /* silently */
    assert_int_equal(weir_between(start, weir_now()).ns / 1000000000, 60);
    weir_stream_close(idle);
    weir_stream_close(slow);
    weir_stream_close(body);
    return 0;
}

static void slow_clients_lose_their_connections(void **state)
{
    struct rig rig = RIG(be_slow);

    (void)state;
    simulate(&rig);
}

static int drain(struct rig *rig)
{
    weir_stream *idle = rig_connect(rig), *kept = rig_connect(rig), *busy = rig_connect(rig);
    weir_instant start = weir_now();

    rig_send(kept, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_answer(kept, answer, sizeof answer), 200);
    assert_null(strstr(answer, "connection: close"));
    weir_event_init(&asleep);
    rig_send(busy, "GET /sleeping HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(weir_event_wait(&asleep), 0);
    weir_scope shield; /* what is cancelled is the server, but we stand in the same scope */
    weir_scope_cancel(&rig->serving);
    weir_scope_open(&shield, weir_never(), WEIR_SHIELD);
    assert_int_equal(weir_sleep(weir_ms(3000)), 0);
    rig_send(kept, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"); /* once more, and never again */
    assert_int_equal(rig_answer(kept, answer, sizeof answer), 200);
    assert_non_null(strstr(answer, "connection: close"));
    assert_true(rig_is_closed(kept));
    assert_int_equal(weir_between(start, weir_now()).ns / 1000000000, 3);
    assert_true(rig_is_closed(idle));
    assert_in_range(weir_between(start, weir_now()).ns / 1000000, 4900, 5000);
    weir_stream_close(kept);
    (void)weir_scope_close(&shield);
    for (int i = 0; i < 4; i++) { /* a shield lasts five seconds */
        ssize_t n;
        weir_scope_open(&shield, weir_never(), WEIR_SHIELD);
        n = weir_read(busy, answer, sizeof answer - 1);
        (void)weir_scope_close(&shield);
        if (n > 0) {
            answer[n] = '\0';
            break;
        }
    }
    assert_non_null(strstr(answer, "connection: close"));
    assert_non_null(strstr(answer, "rested"));
    assert_true(weir_between(start, weir_now()).ns / 1000000000 == 20);
    weir_scope_open(&shield, weir_never(), WEIR_SHIELD);
    weir_stream_close(idle);
    weir_stream_close(busy);
    (void)weir_scope_close(&shield);
    return 0;
}

static void draining_finishes_what_has_begun(void **state)
{
    struct rig rig = RIG(drain);

    (void)state;
    simulate(&rig);
}

/* --- several loops --- */

enum { LOOPS = 3, CLIENTS = 24 };

static int which_loop(weir_request *req, weir_response *res, void *state)
{
    char text[16];

    (void)req;
    assert_int_equal(*(int *)state, weir_loop_index());
    (void)snprintf(text, sizeof text, "loop %d", weir_loop_index());
    return weir_reply_text(res, 200, text);
}

static int loop_states[LOOPS];
static atomic_int set_up, torn_down;

static void *set_up_loop(void *arg)
{
    int *state = &loop_states[weir_loop_index()];

    (void)arg;
    *state = weir_loop_index();
    atomic_fetch_add(&set_up, 1);
    return state;
}

static void tear_down_loop(void *state)
{
    assert_int_equal(*(int *)state, weir_loop_index());
    atomic_fetch_add(&torn_down, 1);
}

static int use_all_loops(struct rig *rig)
{
    weir_stream *clients[CLIENTS];
    int answers[LOOPS] = {0};

    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = rig_connect(rig);
        rig_send(clients[i], "GET /which HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_int_equal(rig_answer(clients[i], answer, sizeof answer), 200);
        answers[atoi(strstr(answer, "loop ") + 5)]++;
    }
    /* Wherever they were accepted, they were placed where the fewest were. */
    for (int i = 0; i < LOOPS; i++)
        assert_in_range(answers[i], CLIENTS / LOOPS - 2, CLIENTS / LOOPS + 2);
    for (int i = 0; i < CLIENTS / 2; i++)
        weir_stream_close(clients[i]);
    for (int i = CLIENTS / 2; i < CLIENTS; i++) {
        rig_send(clients[i], "GET /which HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert_int_equal(rig_answer(clients[i], answer, sizeof answer), 200);
        weir_stream_close(clients[i]);
    }
    return 0;
}

static void connections_spread_over_loops(void **state)
{
    static const weir_route which[] = {{.path = "/which", .handler = which_loop}};
    static const enum weir_io kinds[] = {WEIR_IO_EPOLL, WEIR_IO_URING};

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct rig rig = {.routes = which, .route_count = 1, .test = use_all_loops};
        weir_options options = {.io = kinds[i], .loops = LOOPS};
        rig.options.setup = set_up_loop;
        rig.options.teardown = tear_down_loop;
        rig.unrecorded = true; /* the record is of one loop's making */
        atomic_store(&set_up, 0);
        atomic_store(&torn_down, 0);
        if (!io_is_here(kinds[i]))
            continue;
        assert_int_equal(weir_run(&options, rig_main, &rig), 0);
        assert_int_equal(atomic_load(&set_up), LOOPS);
        assert_int_equal(atomic_load(&torn_down), LOOPS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_gets_its_answer),
        cmocka_unit_test(a_request_may_come_byte_by_byte),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_large_body_streams_through),
        cmocka_unit_test(continue_is_said_when_the_body_is_wanted),
        cmocka_unit_test(head_has_no_body),
        cmocka_unit_test(a_streamed_answer_is_chunked_or_ends_with_the_connection),
        cmocka_unit_test(an_answer_cut_short_breaks_its_connection),
        cmocka_unit_test(a_client_that_leaves_cancels_its_exchange),
        cmocka_unit_test(a_client_that_leaves_with_more_on_its_way_cancels_its_exchange),
        cmocka_unit_test(a_client_that_only_stops_sending_is_answered),
        cmocka_unit_test(exchanges_beyond_the_limit_are_refused),
        cmocka_unit_test(without_memory_for_a_task_the_answer_is_503),
        cmocka_unit_test(slow_clients_lose_their_connections),
        cmocka_unit_test(draining_finishes_what_has_begun),
        cmocka_unit_test(connections_spread_over_loops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
