/* SPDX-License-Identifier: MIT */
/* The server as its clients see it: routes, heads, bodies, keep-alive, refusals. */
#include "http/server/handlers.h"
#include "http/server/server_rig.h"

static char answer[1 << 16];

/* --- handlers --- */

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
    return weir_respond_text(res, 200, text);
}

static int describe(weir_request *req, weir_response *res, void *state)
{
    char text[512];
    const char *id = weir_request_param(req, "id"), *x = weir_request_header(req, "X-Test");

    (void)state;
    (void)snprintf(text, sizeof text, "%s|%s|%s|%s|%s|%s", weir_request_method(req), weir_request_target(req),
                   weir_request_path(req), weir_request_query(req), id != NULL ? id : "-",
                   x != NULL ? x : "-");
    return weir_respond_text(res, 200, text);
}

static int chunks(weir_request *req, weir_response *res, void *state)
{
    int err = weir_respond_begin(res, 200, "text/plain", -1);

    (void)req, (void)state;
    for (int i = 0; i < 3 && err == 0; i++)
        err = weir_respond_write(res, "abc", 3);
    return err;
}

static int broken(weir_request *req, weir_response *res, void *state)
{
    int err = weir_respond_begin(res, 200, "text/plain", 100);

    (void)req, (void)state;
    return err < 0 ? err : weir_respond_write(res, "only this", 9);
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
};

#define RIG(fn)                                                                                              \
    {                                                                                                        \
        .routes = routes, .route_count = sizeof routes / sizeof *routes, .test = (fn)                        \
    }

/* --- one request, one answer --- */

struct row {
    const char *request;
    int status;
    const char *holds; /* somewhere in the response; NULL: anything */
    bool kept;
};

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define EXTENSION X64 X64 X64 X64 "x" /* one byte too long */

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
    /* the server as a whole, and targets that are none of its */
    {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 204, "allow: GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS\r\n",
     true},
    {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, false},
    {"CONNECT /hello HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, false},
    {"CONNECT http://a/hello HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, false},
    {"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501, NULL, false},
    {"GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL, false},
    /* a client that waits for 100 gets none, and what it sends next can't be known */
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
     "\"the request's body is larger than this route accepts: 5 bytes at most (weir_limits.body_bytes)\"",
     false},
    {"POST /tiny HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n0\r\n\r\n", 413,
     NULL, false},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400,
     "\"the request body is not valid: a chunk does not start with its size in hex digits\"", false},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 400,
     "is not valid: a chunk is longer than its size says, or lacks its CR LF\"", false},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nno trailer\r\n", 400,
     "is not valid: a trailer is not 'name: value', or the chunk before is not the last\"", false},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;" EXTENSION "\r\nabc\r\n", 413,
     "\"chunk extensions longer than 256 bytes in a chunk, or 8 KiB in a body\"", false},
    {"GET /silent HTTP/1.1\r\nHost: a\r\n\r\n", 500, NULL, true},
    {"GET /failing HTTP/1.1\r\nHost: a\r\n\r\n", 503, "retry-after: 1\r\n", true},
    /* framing that could be read two ways, and bytes that are no HTTP */
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
    assert_true(rig_is_closed(s)); /* the body may come or not: that is unknown */
    weir_stream_close(s);
    return 0;
}

static void continue_is_said_when_the_body_is_wanted(void **state)
{
    struct rig rig = RIG(expect);

    (void)state;
    rig_run(&rig);
}

/* Reads a head, and nothing behind it. */
static void read_head(weir_stream *s)
{
    size_t n = 0;

    do
        assert_int_equal(weir_read(s, answer + n++, 1), 1);
    while (n < 4 || memcmp(answer + n - 4, "\r\n\r\n", 4) != 0);
    answer[n] = '\0';
}

static int head(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);
    char c;

    rig_send(s, "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    read_head(s);
    assert_non_null(strstr(answer, "content-length: 5\r\n"));
    rig_send(s, "HEAD /chunks HTTP/1.1\r\nHost: a\r\n\r\n");
    read_head(s);
    assert_non_null(strstr(answer, "transfer-encoding: chunked\r\n")); /* as GET is answered */
    rig_send(s, "HEAD /chunks HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    read_head(s);
    assert_null(strstr(answer, "transfer-encoding"));
    rig_send(s, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(weir_read(s, &c, 1), 1);
    assert_int_equal(c, 'H'); /* the next response: no body came before it */
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
