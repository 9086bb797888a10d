/* SPDX-License-Identifier: MIT */
/* Whole answers: every way they may be framed, cut up, malformed, cut short; limits; requests refused here.
 */
#include "client_rig.h"
#include "core/account/activity.h"

/* --- answers, however they come in --- */

enum cutting { WHOLE, BYTES, HALVES, CUTTINGS };

struct exchange {
    const char *method; /* NULL: GET */
    const char *answer;
    bool ends; /* the backend closes behind it */
    int err;
    int status;
    const char *body;
    bool kept; /* the connection serves the next request, too */
    uint64_t limit;
};

#define FIVE "hello"

static const struct exchange exchanges[] = {
    {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" FIVE,
     .status = 200,
     .body = FIVE,
     .kept = true},
    {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", .status = 200, .body = "", .kept = true},
    {.answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n" FIVE,
     .status = 404,
     .body = FIVE,
     .kept = true},
    {.answer =
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nA: b\r\n\r\n",
     .status = 200,
     .body = FIVE,
     .kept = true},
    {.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     .status = 200,
     .body = "",
     .kept = true},
    {.answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
               "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" FIVE,
     .status = 200,
     .body = FIVE,
     .kept = true},
    {.answer = "HTTP/1.1 204 No Content\r\n\r\n", .status = 204, .body = "", .kept = true},
    {.answer = "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
     .status = 304,
     .body = "",
     .kept = true},
    {.method = "HEAD",
     .answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
     .status = 200,
     .body = "",
     .kept = true},
    {.answer = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n" FIVE,
     .status = 200,
     .body = FIVE,
     .kept = true},
    /* not reused */
    {.answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n" FIVE,
     .status = 200,
     .body = FIVE},
    {.answer = "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n" FIVE, .status = 200, .body = FIVE},
    {.answer = "HTTP/1.0 200 OK\r\n\r\n" FIVE, .ends = true, .status = 200, .body = FIVE},
    {.answer = "HTTP/1.1 200 OK\r\n\r\n" FIVE, .ends = true, .status = 200, .body = FIVE},
    {.answer = "HTTP/1.1 200 OK\r\n\r\n", .ends = true, .status = 200, .body = ""},
    {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" FIVE
               "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
     .status = 200,
     .body = FIVE},
    {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" FIVE "x", .status = 200, .body = FIVE},
    {.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n" FIVE "\r\n0\r\n\r\nHTTP",
     .status = 200,
     .body = FIVE},
    {.method = "HEAD",
     .answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" FIVE,
     .status = 200,
     .body = ""},
    /* cut short */
    {.answer = "", .ends = true, .err = -WEIR_ETRUNCATED},
    {.answer = "HTTP/1.1 2", .ends = true, .err = -WEIR_ETRUNCATED},
    {.answer = "HTTP/1.1 100 Continue\r\n\r\n", .ends = true, .err = -WEIR_ETRUNCATED},
    {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n" FIVE, .ends = true, .err = -WEIR_ETRUNCATED},
    {.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n" FIVE "\r\n",
     .ends = true,
     .err = -WEIR_ETRUNCATED},
    {.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n" FIVE "\r\n0\r\n",
     .ends = true,
     .err = -WEIR_ETRUNCATED},
    /* not to be understood, or in two ways */
    {.answer = "SSH-2.0-OpenSSH_9.2\r\n\r\n", .err = -WEIR_EPROTOCOL},
    {.answer = "HTTP/2 200 OK\r\n\r\n", .err = -WEIR_EPROTOCOL},
    {.answer = "HTTP/1.1 99 Low\r\n\r\n", .err = -WEIR_EPROTOCOL},
    {.answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", .err = -WEIR_EPROTOCOL},
    {.answer = "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n", .err = -WEIR_EPROTOCOL},
    {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n" FIVE,
     .err = -WEIR_EPROTOCOL},
    {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
     .err = -WEIR_EPROTOCOL},
    {.answer = "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n" FIVE, .err = -WEIR_EPROTOCOL},
    {.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", .err = -WEIR_EPROTOCOL},
    {.answer = "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", .err = -WEIR_EPROTOCOL},
    {.answer = "HTTP/1.1 200 OK\nContent-Length: 5\n\n" FIVE, .err = -WEIR_EPROTOCOL},
    {.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", .err = -WEIR_EPROTOCOL},
    {.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n" FIVE "!!",
     .err = -WEIR_EPROTOCOL},
    /* too much */
    {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" FIVE,
     .limit = 5,
     .status = 200,
     .body = FIVE,
     .kept = true},
    {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" FIVE, .limit = 4, .err = -WEIR_ETOOLARGE},
    {.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n" FIVE "\r\n0\r\n\r\n",
     .limit = 5,
     .status = 200,
     .body = FIVE,
     .kept = true},
    {.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
     .limit = 4,
     .err = -WEIR_ETOOLARGE},
    {.answer = "HTTP/1.0 200 OK\r\n\r\n" FIVE, .ends = true, .limit = 4, .err = -WEIR_ETOOLARGE},
    {.method = "HEAD",
     .answer = "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",
     .limit = 4,
     .status = 200,
     .body = "",
     .kept = true},
};

static const struct exchange *now;
static enum cutting cutting;

static int send_cut(weir_stream *s, const char *text)
{
    size_t len = strlen(text), piece = cutting == WHOLE ? len : cutting == BYTES ? 1 : (len + 1) / 2;

    for (size_t at = 0; at < len; at += piece) {
        int err = weir_write(s, text + at, len - at < piece ? len - at : piece);
        if (err == 0 && cutting != WHOLE)
            err = weir_sleep(weir_us(100)); /* so that each goes out by itself */
        if (err < 0)
            return err;
    }
    return 0;
}

static int serve_exchange(struct backend *b, weir_stream *s, int number)
{
    if (number == 1) /* the second connection: the one under test was not kept */
        return serve_ok(b, s, number);
    if (read_request(b, s) <= 0 || send_cut(s, now->answer) < 0 || now->ends)
        return 0;
    return serve_ok(b, s, number);
}

static void expect(const struct exchange *e, int err, const weir_reply *reply)
{
    if (err != e->err)
        fail_msg("cut %d: %.60s…: %s instead of %s", (int)cutting, e->answer, weir_error_name(err),
                 weir_error_name(e->err));
    assert_int_equal(reply->status, e->status);
    if (err < 0) {
        assert_null(reply->memory);
        assert_null(reply->body);
        return;
    }
    assert_int_equal(reply->body_bytes, strlen(e->body));
    assert_string_equal(reply->body, e->body);
}

static int exchange_once(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_reply reply;
    weir_fetch_options options;

    (void)arg;
    backend_open(&b, serve_exchange, NULL);
    options = (weir_fetch_options){.url = b.url, .method = now->method, .reply_bytes_max = now->limit};
    expect(now, weir_fetch(client, &options, &reply), &reply);
    weir_reply_free(&reply);
    if (cutting != WHOLE) /* in simulated time: what still follows comes in and closes the connection */
        assert_int_equal(weir_sleep(weir_seconds(1)), 0);
    get_ok(client, b.url);
    if (b.connections != (now->kept ? 1 : 2))
        fail_msg("cut %d: %.60s…: %d connections", (int)cutting, now->answer, b.connections);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void answers_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof exchanges / sizeof exchanges[0]; i++) {
        now = &exchanges[i];
        cutting = WHOLE;
        run_on_all_transports(exchange_once, NULL);
        for (cutting = BYTES; cutting < CUTTINGS; cutting++)
            for (uint64_t seed = seed_first(); seed <= seed_last(3); seed++)
                run_simulated_and_in_memory(seed, exchange_once, NULL);
    }
}

/* --- heads and bodies of some size --- */

static char *repeat(char *at, const char *text, int times)
{
    while (times-- > 0)
        at = stpcpy(at, text);
    return at;
}

static char text[6 << 20];

static int large_exchanges(void *arg)
{
    const char line[] =
        "x-padding: 0123456789012345678901234567890123456789012345678901234567890123456789012\r\n";
    struct exchange e = {.answer = text, .status = 200};

    cutting = WHOLE;
    now = &e;
    /* a head beyond the limit */
    (void)repeat(stpcpy(text, "HTTP/1.1 200 OK\r\n"), line, 200);
    e.err = -WEIR_EPROTOCOL;
    e.status = 0;
    assert_int_equal(exchange_once(arg), 0);
    /* one with more fields than anyone needs */
    (void)stpcpy(repeat(stpcpy(text, "HTTP/1.1 200 OK\r\n"), "a: b\r\n", 129), "\r\n");
    assert_int_equal(exchange_once(arg), 0);
    /* interim answers without end */
    (void)repeat(text, "HTTP/1.1 100 Continue\r\n\r\n", 1000);
    assert_int_equal(exchange_once(arg), 0);
    /* a head just below the limit, in several pieces of the network, then a length beyond the limit */
    (void)stpcpy(repeat(stpcpy(text, "HTTP/1.1 200 OK\r\n"), line, 120), "content-length: 999999999\r\n\r\n");
    e.err = -WEIR_ETOOLARGE;
    assert_int_equal(exchange_once(arg), 0);
    return 0;
}

static void limits_hold_for_large_heads(void **state)
{
    (void)state;
    run_on_all_transports(large_exchanges, NULL);
}

static int serve_large(struct backend *b, weir_stream *s, int number)
{
    static const char block[64 << 10] = {[0 ... sizeof block - 1] = 'x'};
    const char *head = b->arg;
    char line[32];

    (void)number;
    if (read_request(b, s) <= 0 || send_text(s, head) < 0)
        return 0;
    for (int i = 0; i < 16 * 100; i++) { /* 100 MiB */
        bool chunked = strstr(head, "chunked") != NULL;
        (void)snprintf(line, sizeof line, "%zx\r\n", sizeof block);
        if ((chunked && send_text(s, line) < 0) || weir_write(s, block, sizeof block) < 0 ||
            (chunked && send_text(s, "\r\n") < 0))
            return 0;
        b->requests++;
    }
    return 0;
}

/* The backend is stopped when the limit is reached, not when it has sent everything. */
static int hundred_megabytes(void *arg)
{
    static const char *const heads[] = {"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n",
                                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                                        "HTTP/1.0 200 OK\r\n\r\n"};

    (void)arg;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct backend b;
        weir_client *client = client_open(NULL);
        weir_reply reply;
        backend_open(&b, serve_large, (void *)(uintptr_t)heads[i]);
        assert_int_equal(weir_get(client, b.url, &reply), -WEIR_ETOOLARGE);
        weir_client_close(client);
        backend_close(&b);
        assert_in_range(b.requests, 1, 16 * 30);
    }
    return 0;
}

static void a_hundred_megabytes_end_at_the_limit(void **state)
{
    (void)state;
    run_on_all_transports(hundred_megabytes, NULL);
}

static int serve_body(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    if (read_request(b, s) > 0 && send_text(s, b->arg) == 0)
        (void)client_leaves(s);
    return 0;
}

/* Large enough to come in many pieces and to make the room for it grow. */
static int large_bodies(void *arg)
{
    enum { LINES = 40000 };
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_reply reply;
    char *at;
    char line[16];

    (void)arg;
    at = text + sprintf(text, "HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n", LINES * 10);
    for (int i = 0; i < LINES; i++)
        at += sprintf(at, "%09d\n", i);
    for (int chunked = 0; chunked < 2; chunked++) {
        backend_open(&b, serve_body, text);
        assert_int_equal(weir_get(client, b.url, &reply), 0);
        assert_int_equal(reply.body_bytes, LINES * 10);
        for (int i = 0; i < LINES;
             i++) { /* not atoi(), for which ASan measures the rest of the body each time */
            (void)snprintf(line, sizeof line, "%09d\n", i);
            assert_memory_equal(reply.body + i * 10, line, 10);
        }
        assert_int_equal(reply.body[reply.body_bytes], '\0');
        weir_reply_free(&reply);
        assert_int_equal(b.connections, 1);
        backend_close(&b);
        at = text + sprintf(text, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < LINES; i++)
            at += sprintf(at, "a\r\n%09d\n\r\n", i);
        (void)stpcpy(at, "0\r\n\r\n");
    }
    weir_client_close(client);
    return 0;
}

static void large_bodies_come_whole(void **state)
{
    (void)state;
    run_on_all_transports(large_bodies, NULL);
}

/* --- what is sent, and what is refused --- */

static int requests_as_written(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_reply reply;
    weir_header headers[] = {{"accept", "*/*"}, {"x-long", text}};
    weir_fetch_options post;

    (void)arg;
    backend_open(&b, serve_ok, NULL);
    (void)strcat(b.url, "a%20b?c=d");
    get_ok(client, b.url);
    assert_ptr_equal(strstr(b.request, "GET /a%20b?c=d HTTP/1.1\r\nhost: 127.0.0.1:"), b.request);
    assert_null(strstr(b.request, "content-length"));
    (void)repeat(text, "0123456789", 300); /* beyond what needs no memory */
    post = (weir_fetch_options){.url = b.url,
                                .method = "POST",
                                .headers = headers,
                                .header_count = 2,
                                .body = "abc",
                                .body_bytes = 3};
    assert_int_equal(weir_fetch(client, &post, &reply), 0);
    weir_reply_free(&reply);
    assert_ptr_equal(strstr(b.request, "POST "), b.request);
    assert_non_null(strstr(b.request, "\r\naccept: */*\r\n"));
    assert_non_null(strstr(b.request, text));
    assert_non_null(strstr(b.request, "\r\ncontent-length: 3\r\n"));
    assert_non_null(strstr(b.request, "\r\n\r\nabc"));
    post = (weir_fetch_options){.url = b.url, .method = "POST"};
    assert_int_equal(weir_fetch(client, &post, &reply), 0);
    weir_reply_free(&reply);
    assert_non_null(strstr(b.request, "\r\ncontent-length: 0\r\n"));
    assert_int_equal(b.connections, 1);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void requests_are_sent_as_written(void **state)
{
    (void)state;
    run_on_all_transports(requests_as_written, NULL);
}

static int refusals(void *arg)
{
    static const char *const urls[] = {"",
                                       "ftp://127.0.0.1/",
                                       "127.0.0.1",
                                       "http://",
                                       "http://a b/",
                                       "http://127.0.0.1:99999/",
                                       "http://user@127.0.0.1/",
                                       "http://127.0.0.1/#x",
                                       "http://127.0.0.1/\r\n"};
    static const weir_header bad[] = {{"content-length", "1"},
                                      {"Transfer-Encoding", "chunked"},
                                      {"connection", "close"},
                                      {"upgrade", "h2c"},
                                      {"a b", "c"},
                                      {"", "x"},
                                      {"a", "b\r\nc: d"},
                                      {"a", "b\n"}};
    static const char *const methods[] = {"", "G T", "GET /x HTTP/1.1\r\n", "CONNECT"};
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_reply reply;
    weir_client_options none;

    (void)arg;
    backend_open(&b, serve_ok, NULL);
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
        if (weir_get(client, urls[i], &reply) != -EINVAL || reply.why == NULL)
            fail_msg("'%s' was not refused", urls[i]);
    assert_int_equal(weir_get(client, NULL, &reply), -EINVAL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        weir_fetch_options options = {.url = b.url, .headers = &bad[i], .header_count = 1};
        if (weir_fetch(client, &options, &reply) != -EINVAL || reply.why == NULL)
            fail_msg("header %s was not refused", bad[i].name);
    }
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        weir_fetch_options options = {.url = b.url, .method = methods[i]};
        if (weir_fetch(client, &options, &reply) != -EINVAL)
            fail_msg("method '%s' was not refused", methods[i]);
    }
    assert_int_equal(b.connections, 0);
    weir_client_close(client);
    backend_close(&b);
    none = (weir_client_options){.origins = -1};
    assert_int_equal(weir_client_open(&none, &client), -EINVAL);
    return 0;
}

static void what_may_not_be_sent_is_refused(void **state)
{
    (void)state;
    run_simulated_and_in_memory(1, refusals, NULL);
}

/* --- replies --- */

static int headers_of_replies(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_reply reply;

    (void)arg;
    backend_open(&b, serve_body,
                 "HTTP/1.1 200 OK\r\nA: 1\r\nB:\r\nC:   x y  \r\na: 2\r\ncontent-length:0\r\n\r\n");
    assert_int_equal(weir_get(client, b.url, &reply), 0);
    assert_int_equal(reply.header_count, 5);
    assert_string_equal(weir_reply_header(&reply, "a"), "1");
    assert_string_equal(weir_reply_header(&reply, "b"), "");
    assert_string_equal(weir_reply_header(&reply, "C"), "x y");
    assert_string_equal(weir_reply_header(&reply, "Content-Length"), "0");
    assert_null(weir_reply_header(&reply, "d"));
    weir_reply_free(&reply);
    weir_reply_free(&reply);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void headers_are_found(void **state)
{
    (void)state;
    run_simulated_and_in_memory(1, headers_of_replies, NULL);
}

/* Freed with the request the task works for, or earlier; the leak checker watches. */
static int replies_of_a_request(void *arg)
{
    struct weir__task *self = weir__task_current();
    struct weir__arena request;
    struct weir__activity activity = {.memory = &request};
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_reply first, second;

    (void)arg;
    backend_open(&b, serve_ok, NULL);
    weir__arena_init(&request, NULL, SIZE_MAX);
    self->activity = &activity;
    assert_int_equal(weir_get(client, b.url, &first), 0);
    assert_int_equal(weir_get(client, b.url, &second), 0);
    weir_reply_free(&first);
    assert_string_equal(second.body, "ok");
    self->activity = NULL;
    weir__arena_free(&request);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void replies_go_with_the_request(void **state)
{
    (void)state;
    run_simulated_and_in_memory(1, replies_of_a_request, NULL);
}

/* --- what answers hold together --- */

static int serve_megabyte(struct backend *b, weir_stream *s, int number)
{
    static char body[1 << 20];
    const bool chunked = b->arg != NULL;

    (void)number;
    memset(body, 'm', sizeof body);
    while (read_request(b, s) > 0) {
        if (strstr(b->request, "GET /small") != NULL) {
            if (send_text(s, OK_ANSWER) < 0)
                break;
            continue;
        }
        if (send_text(s, chunked ? "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n100000\r\n"
                                 : "HTTP/1.1 200 OK\r\ncontent-length: 1048576\r\n\r\n") < 0 ||
            weir_write(s, body, sizeof body) < 0 || (chunked && send_text(s, "\r\n0\r\n\r\n") < 0))
            break;
    }
    return 0;
}

static int held_together(void *arg)
{
    enum { MOST = 16 };
    const weir_client_options options = {.replies_bytes = MOST << 20};
    weir_client *client = client_open(&options);
    weir_reply replies[2 * MOST];
    struct backend b;
    char small[200];
    int n = 0, err = 0;

    backend_open(&b, serve_megabyte, arg);
    (void)snprintf(small, sizeof small, "%ssmall", b.url);
    while (n < 2 * MOST && (err = weir_get(client, b.url, &replies[n])) == 0)
        assert_int_equal(replies[n++].body_bytes, 1 << 20);
    assert_int_equal(err, -WEIR_EBUSY);
    assert_non_null(replies[n].why);
    assert_in_range(n, MOST - 2, MOST);
    assert_int_equal(weir_client_hold(client, 2 << 20), -WEIR_EBUSY);
    get_ok(client, small); /* what is small still passes */
    weir_reply_free(&replies[--n]);
    weir_reply_free(&replies[--n]);
    assert_int_equal(weir_client_hold(client, 1 << 20), 0);
    weir_client_unhold(client, 1 << 20);
    assert_int_equal(weir_get(client, b.url, &replies[n++]), 0);
    while (n > 0)
        weir_reply_free(&replies[--n]);
    assert_int_equal(weir_client_hold(client, (MOST - 2) << 20), 0); /* all of it was given back */
    weir_client_unhold(client, (MOST - 2) << 20);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void answers_together_hold_no_more_than_they_may(void **state)
{
    static char chunked;

    (void)state;
    run_on_all_transports(held_together, NULL);
    run_on_all_transports(held_together, &chunked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_read),
        cmocka_unit_test(limits_hold_for_large_heads),
        cmocka_unit_test(a_hundred_megabytes_end_at_the_limit),
        cmocka_unit_test(large_bodies_come_whole),
        cmocka_unit_test(requests_are_sent_as_written),
        cmocka_unit_test(what_may_not_be_sent_is_refused),
        cmocka_unit_test(headers_are_found),
        cmocka_unit_test(replies_go_with_the_request),
        cmocka_unit_test(answers_together_hold_no_more_than_they_may),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
