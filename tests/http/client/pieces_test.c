/* SPDX-License-Identifier: MIT */
/* What stands around an answer: informational answers, trailers, limits of heads, joined headers. */
#include "client_rig.h"

#include "support/torture.h"

static weir_fetch_stream *open_fetch(weir_client *client, const weir_fetch_options *options, int64_t length)
{
    weir_fetch_stream *f;

    assert_int_equal(weir_fetch_open(client, options, length, &f), 0);
    return f;
}

/* Sends arg as the answer to each request. */
static int serve_text(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    while (read_request(b, s) > 0)
        if (send_text(s, b->arg) < 0)
            break;
    return 0;
}

/* --- informational answers --- */

#define HINTS "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n"
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"
#define PROCESSING "HTTP/1.1 102 Processing\r\n\r\n"

static int hinted(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_reply reply;
    weir_fetch_stream *f;
    char got[8];

    (void)arg;
    backend_open(&b, serve_text, (void *)(uintptr_t)(PROCESSING HINTS OK_ANSWER));
    f = open_fetch(client, &(weir_fetch_options){.url = b.url}, 0);
    assert_int_equal(weir_fetch_informational(f, &reply), 1);
    assert_int_equal(reply.status, 102);
    assert_int_equal(weir_fetch_informational(f, &reply), 1);
    assert_int_equal(reply.status, 103);
    assert_string_equal(weir_reply_header(&reply, "Link"), "</a.css>; rel=preload");
    weir_reply_free(&reply); /* harmless: it is the stream's */
    assert_int_equal(weir_fetch_informational(f, &reply), 0);
    assert_int_equal(weir_fetch_informational(f, &reply), 0);
    assert_int_equal(weir_fetch_head(f, &reply), 0);
    assert_int_equal(reply.status, 200);
    assert_int_equal(weir_fetch_read(f, got, sizeof got), 2);
    assert_int_equal(weir_fetch_read(f, got, sizeof got), 0);
    weir_fetch_close(f);
    assert_int_equal(idle_count(client), 1);

    f = open_fetch(client, &(weir_fetch_options){.url = b.url}, 0); /* passed over */
    assert_int_equal(weir_fetch_head(f, &reply), 0);
    assert_int_equal(reply.status, 200);
    weir_fetch_close(f);
    get_ok(client, b.url);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void informational_answers_are_read(void **state)
{
    (void)state;
    run_on_all_transports(hinted, NULL);
}

/* Interim answers beyond their number and size. */
static int flooded(void *arg)
{
    char many[33 * sizeof PROCESSING], large[3 * 6100];
    const char *floods[] = {many, large};
    weir_client *client = client_open(NULL);
    weir_reply reply;

    (void)arg;
    many[0] = '\0';
    for (int i = 0; i < 33; i++)
        strcat(many, PROCESSING);
    large[0] = '\0';
    for (int i = 0; i < 3; i++)
        (void)sprintf(large + strlen(large), "HTTP/1.1 103 E\r\nlink: %06000d\r\n\r\n", i);
    for (size_t i = 0; i < 2; i++) {
        struct backend b;
        weir_fetch_stream *f;
        backend_open(&b, serve_text, (void *)(uintptr_t)floods[i]);
        f = open_fetch(client, &(weir_fetch_options){.url = b.url}, 0);
        assert_int_equal(weir_fetch_head(f, &reply), -WEIR_EPROTOCOL);
        assert_non_null(strstr(reply.why, "1xx"));
        assert_int_equal(weir_fetch_head(f, &reply), -WEIR_EPROTOCOL);
        weir_fetch_close(f);
        backend_close(&b);
    }
    weir_client_close(client);
    return 0;
}

static void too_many_informational_answers_are_refused(void **state)
{
    (void)state;
    run_simulated_and_in_memory(1, flooded, NULL);
}

/* Says 100, or 417 to a request that is not welcome, and counts what comes. */
static int serve_expect(struct backend *b, weir_stream *s, int number)
{
    char body[16];
    size_t len = 0;

    (void)number;
    while (read_request(b, s) > 0) {
        if (strstr(b->request, "expect: 100-continue\r\n") == NULL)
            return send_text(s, OK_ANSWER);
        if (strstr(strstr(b->request, "\r\n\r\n") + 4, "x") != NULL)
            fail_msg("the body came unasked");
        if (b->arg != NULL)
            return send_text(s, "HTTP/1.1 417 No\r\ncontent-length: 0\r\n\r\n");
        if (send_text(s, CONTINUE) < 0)
            return 0;
        for (len = 0; len < 4;) {
            ssize_t n = weir_read(s, body + len, 4 - len);
            if (n <= 0)
                return 0;
            len += (size_t)n;
        }
        if (send_text(s, OK_ANSWER) < 0)
            return 0;
    }
    return 0;
}

static int expecting(weir_client *client, const char *url, bool welcome)
{
    const weir_header expect = {"expect", "100-continue"};
    const weir_fetch_options options = {.method = "POST", .url = url, .headers = &expect, .header_count = 1};
    weir_fetch_stream *f;
    weir_reply reply;
    char got[8];
    ssize_t n = 0;
    int err = weir_fetch_open(client, &options, 4, &f);

    if (err < 0)
        return err;
    err = weir_fetch_informational(f, &reply);
    if (err >= 0)
        assert_int_equal(err, welcome);
    if (err == 1) {
        assert_int_equal(reply.status, 100);
        err = weir_fetch_write(f, "xxxx", 4);
    } else if (err == 0) {
        assert_int_equal(weir_fetch_write(f, "xxxx", 4), 1); /* it is not wanted */
        err = 0;
    }
    if (err == 0)
        err = weir_fetch_head(f, &reply);
    if (err == 0)
        assert_int_equal(reply.status, welcome ? 200 : 417);
    if (err == 0)
        n = weir_fetch_read(f, got, sizeof got);
    weir_fetch_close(f);
    return err < 0 ? err : n < 0 ? (int)n : 0;
}

static int expected(void *arg)
{
    (void)arg;
    for (int welcome = 0; welcome < 2; welcome++) {
        struct backend b;
        weir_client *client = client_open(NULL);
        backend_open(&b, serve_expect, welcome ? NULL : &b);
        assert_int_equal(expecting(client, b.url, welcome), 0);
        assert_int_equal(idle_count(client), welcome); /* a body that was not sent ends the connection */
        weir_client_close(client);
        backend_close(&b);
    }
    return 0;
}

static void a_body_waits_for_100_continue(void **state)
{
    (void)state;
    run_on_all_transports(expected, NULL);
}

static int torture_expecting(void *arg)
{
    struct backend *b = arg;

    return expecting(b->arg, b->url, true);
}

static int serve_tortured(struct backend *b, weir_stream *s, int number)
{
    struct backend own = *b;

    own.arg = NULL;
    return serve_expect(&own, s, number);
}

static int world(struct torture *t)
{
    weir_client *client = client_open(NULL);
    struct backend b;
    int result;

    backend_open(&b, serve_tortured, client);
    result = torture_victim(t, torture_expecting, &b);
    get_ok(client, b.url);
    weir_client_close(client);
    backend_close(&b);
    return result;
}

static void waiting_for_100_can_be_cancelled(void **state)
{
    (void)state;
    assert_in_range(torture_all_transports(world, NULL), 10, 10000);
}

/* A server that does not know Expect: the wait is given up, the exchange goes on. */
static int never_100(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_fetch_stream *f;
    weir_reply reply;
    weir_scope scope;
    char got[8];

    (void)arg;
    backend_open(&b, serve_ok, NULL);
    f = open_fetch(client, &(weir_fetch_options){.method = "POST", .url = b.url}, 4);
    for (int i = 0; i < 2; i++) { /* the backend answers when it has read the head; slowly enough */
        weir_scope_open(&scope, weir_after_ms(0), 0);
        assert_int_equal(weir_fetch_informational(f, &reply), -WEIR_EDEADLINE);
        (void)weir_scope_close(&scope);
    }
    assert_int_equal(weir_fetch_write(f, "xxxx", 4), 0);
    assert_int_equal(weir_fetch_head(f, &reply), 0);
    assert_int_equal(weir_fetch_read(f, got, sizeof got), 2);
    weir_fetch_close(f);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void a_wait_for_100_may_be_given_up(void **state)
{
    (void)state;
    run_simulated_and_in_memory(1, never_100, NULL);
}

/* --- trailers --- */

#define LAST_CHUNK "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
#define TRAILED                                                                                              \
    LAST_CHUNK "Digest:  sha-256=abc \r\n"                                                                   \
               "content-length: 9\r\nEmpty:\r\n\r\n"

static void expect_trailers(const weir_header *trailers, size_t count)
{
    assert_int_equal(count, 2); /* Content-Length may not stand there */
    assert_string_equal(trailers[0].name, "Digest");
    assert_string_equal(trailers[0].value, "sha-256=abc");
    assert_string_equal(trailers[1].name, "Empty");
    assert_string_equal(trailers[1].value, "");
}

/* Sends TRAILED in pieces of arg bytes. */
static int serve_trailed(struct backend *b, weir_stream *s, int number)
{
    const size_t piece = *(size_t *)b->arg;

    (void)number;
    while (read_request(b, s) > 0)
        for (size_t at = 0; at < sizeof TRAILED - 1; at += piece)
            if (weir_write(s, &TRAILED[at],
                           sizeof TRAILED - 1 - at < piece ? sizeof TRAILED - 1 - at : piece) < 0 ||
                weir_sleep(weir_us(1)) < 0)
                return 0;
    return 0;
}

static int trailed(void *arg)
{
    /* one piece ends two bytes behind the last chunk, where an answer without trailers has its empty line */
    static size_t pieces[] = {sizeof TRAILED, 1, 3, 7, 50, sizeof LAST_CHUNK - 1 + 2};

    (void)arg;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct backend b;
        weir_client *client = client_open(NULL);
        const weir_header *trailers;
        weir_fetch_stream *f;
        weir_reply reply;
        char got[8];
        size_t count, len = 0;
        ssize_t n;

        backend_open(&b, serve_trailed, &pieces[i]);
        assert_int_equal(weir_get(client, b.url, &reply), 0);
        assert_string_equal(reply.body, "ok");
        expect_trailers(reply.trailers, reply.trailer_count);
        assert_null(weir_reply_header(&reply, "digest"));
        weir_reply_free(&reply);
        f = open_fetch(client, &(weir_fetch_options){.url = b.url}, 0);
        assert_int_equal(weir_fetch_head(f, &reply), 0);
        assert_null(weir_fetch_trailers(f, &count));
        assert_int_equal(count, 0);
        while ((n = weir_fetch_read(f, got + len, sizeof got - len)) > 0)
            len += (size_t)n;
        assert_int_equal(n, 0);
        assert_memory_equal(got, "ok", 2);
        trailers = weir_fetch_trailers(f, &count);
        expect_trailers(trailers, count);
        weir_fetch_close(f);
        assert_int_equal(b.connections, 1); /* and the connection is kept */
        weir_client_close(client);
        backend_close(&b);
    }
    return 0;
}

static void trailers_of_answers_are_read(void **state)
{
    (void)state;
    run_on_all_transports(trailed, NULL);
}

/* Keeps the whole of each request, which ends with "0\r\n", trailers and an empty line. */
static int serve_kept(struct backend *b, weir_stream *s, int number)
{
    char text[REQUEST_BYTES];
    size_t len = 0;

    (void)number;
    for (;;) {
        ssize_t n = weir_read(s, text + len, sizeof text - 1 - len);
        if (n <= 0)
            return 0;
        len += (size_t)n;
        text[len] = '\0';
        if (strstr(text, "0\r\nDigest: ") == NULL || strcmp(text + len - 4, "\r\n\r\n") != 0)
            continue;
        memcpy(b->request, text, len + 1);
        if (send_text(s, OK_ANSWER) < 0)
            return 0;
        len = 0;
    }
}

static int trailers_sent(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_header trailers[] = {{"Digest", "?"}, {"X-Rows", "2"}};
    weir_fetch_options options = {
        .method = "POST", .trailers = trailers, .trailer_count = 2, .body = "abc", .body_bytes = 3};
    weir_fetch_stream *f;
    weir_reply reply;

    (void)arg;
    backend_open(&b, serve_kept, NULL);
    options.url = b.url;
    assert_int_equal(weir_fetch(client, &options, &reply), 0);
    assert_string_equal(reply.body, "ok");
    weir_reply_free(&reply);
    assert_non_null(strstr(b.request, "\r\ntrailer: Digest, X-Rows\r\ntransfer-encoding: chunked\r\n\r\n"
                                      "3\r\nabc\r\n0\r\nDigest: ?\r\nX-Rows: 2\r\n\r\n"));
    f = open_fetch(client, &options, -1);
    assert_int_equal(weir_fetch_write(f, "abcd", 4), 0);
    trailers[0].value = "computed";
    assert_int_equal(weir_fetch_end(f), 0);
    assert_int_equal(weir_fetch_end(f), 0); /* once is enough */
    assert_int_equal(weir_fetch_head(f, &reply), 0);
    assert_non_null(strstr(b.request, "4\r\nabcd\r\n0\r\nDigest: computed\r\nX-Rows: 2\r\n\r\n"));
    weir_fetch_close(f);

    assert_int_equal(weir_fetch_open(client, &options, 4, &f), -EINVAL); /* not chunked */
    trailers[0].value = "a\r\nb: c";
    assert_int_equal(weir_fetch(client, &options, &reply), -EINVAL);
    trailers[0] = (weir_header){"Content-Length", "3"};
    assert_int_equal(weir_fetch(client, &options, &reply), -EINVAL);
    assert_non_null(strstr(reply.why, "trailer"));
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void trailers_of_requests_are_sent(void **state)
{
    (void)state;
    run_on_all_transports(trailers_sent, NULL);
}

/* --- limits, and several values --- */

static int limited(void *arg)
{
    static char large[8000];
    const weir_client_options small = {.head_bytes = 200, .headers = 2};
    struct backend b;
    weir_client *client = client_open(&small);
    weir_fetch_options options = {0};
    weir_reply reply;

    (void)arg;
    (void)sprintf(large, "HTTP/1.1 200 OK\r\na: 1\r\nb: 2\r\nc: %01000d\r\ncontent-length: 2\r\n\r\nok", 7);
    backend_open(&b, serve_text, large);
    options.url = b.url;
    assert_int_equal(weir_fetch(client, &options, &reply), -WEIR_EPROTOCOL);
    options.head_bytes_max = 2000;
    assert_int_equal(weir_fetch(client, &options, &reply), -WEIR_EPROTOCOL); /* four fields */
    options.headers_max = 4;
    assert_int_equal(weir_fetch(client, &options, &reply), 0);
    assert_int_equal(reply.header_count, 4);
    weir_reply_free(&reply);
    options.headers_max = -1;
    assert_int_equal(weir_fetch(client, &options, &reply), -EINVAL);
    options.headers_max = 4;
    options.head_bytes_max = 2 << 20;
    assert_int_equal(weir_fetch(client, &options, &reply), -EINVAL);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void a_fetch_has_limits_of_its_own(void **state)
{
    (void)state;
    run_simulated_and_in_memory(1, limited, NULL);
}

static int joined(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_reply reply;

    (void)arg;
    backend_open(&b, serve_text,
                 (void *)(uintptr_t) "HTTP/1.1 200 OK\r\nVary: a\r\nvia: x\r\nvary:\r\nVARY: b, c\r\n"
                                     "content-length: 2\r\n\r\nok");
    assert_int_equal(weir_get(client, b.url, &reply), 0);
    assert_string_equal(weir_reply_header(&reply, "vary"), "a");
    assert_string_equal(weir_reply_header_joined(&reply, "vary"), "a, , b, c");
    assert_string_equal(weir_reply_header_joined(&reply, "via"), "x");
    assert_null(weir_reply_header_joined(&reply, "none"));
    weir_reply_free(&reply);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void values_of_a_list_are_joined(void **state)
{
    (void)state;
    run_simulated_and_in_memory(1, joined, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(informational_answers_are_read),
        cmocka_unit_test(too_many_informational_answers_are_refused),
        cmocka_unit_test(a_body_waits_for_100_continue),
        cmocka_unit_test(waiting_for_100_can_be_cancelled),
        cmocka_unit_test(a_wait_for_100_may_be_given_up),
        cmocka_unit_test(trailers_of_answers_are_read),
        cmocka_unit_test(trailers_of_requests_are_sent),
        cmocka_unit_test(a_fetch_has_limits_of_its_own),
        cmocka_unit_test(values_of_a_list_are_joined),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
