/* SPDX-License-Identifier: MIT */
/* Kept connections and requests that must not be sent twice: which connection such a request gets, that a
 * backend never sees it twice, and what is sent with the head. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <weir.h>

#include "client_rig.h"
#include "core/loop.h"
#include "core/runtime.h"

enum { IDS_MAX = 400 };

/* How often a backend has seen each request. */
struct counting {
    int seen[IDS_MAX];
    int failed; /* requests that got no answer */
};

/* Reads a request with its body. Returns: 1; <= 0. */
static int read_whole(weir_stream *s, char text[static REQUEST_BYTES])
{
    size_t len = 0, need = 0;

    while (need == 0 || len < need) {
        ssize_t n = weir_read(s, text + len, REQUEST_BYTES - 1 - len);
        const char *end, *length;

        if (n <= 0)
            return (int)n;
        len += (size_t)n;
        text[len] = '\0';
        end = strstr(text, "\r\n\r\n");
        if (end == NULL)
            continue;
        length = strstr(text, "content-length: ");
        need = (size_t)(end - text) + 4 + (length != NULL ? strtoul(length + 16, NULL, 10) : 0);
    }
    return 1;
}

/* Closes a connection now and then: at once behind an answer, or after a while. */
static int serve_and_close(struct backend *b, weir_stream *s, int number)
{
    struct counting *counting = b->arg;
    char text[REQUEST_BYTES];

    (void)number;
    while (read_whole(s, text) > 0) {
        counting->seen[atoi(strstr(text, " /") + 2)]++;
        if (send_text(s, OK_ANSWER) < 0)
            return 0;
        if (weir_random_below(3) > 0)
            continue;
        return weir_sleep(weir_us((int64_t)weir_random_below(400)));
    }
    return 0;
}

static const char *const bodies[] = {"", "a body", "a body", ""};

/* A request by weir_fetch(), or in pieces. */
static int ask(weir_client *client, const weir_fetch_options *options, bool in_pieces)
{
    weir_fetch_stream *f;
    weir_reply reply;
    int err;

    if (!in_pieces) {
        err = weir_fetch(client, options, &reply);
        weir_reply_free(&reply);
        return err;
    }
    err = weir_fetch_open(client, options, (int64_t)options->first_bytes, &f);
    if (err < 0)
        return err;
    err = weir_fetch_head(f, &reply);
    for (char data[64]; err > 0 || (err == 0 && weir_fetch_read(f, data, sizeof data) > 0);)
        ;
    weir_fetch_close(f);
    return err;
}

static bool broke_off(int err)
{
    return err == -ECONNRESET || err == -EPIPE || err == -WEIR_ETRUNCATED;
}

static void ask_numbered(weir_client *client, struct backend *b, int id)
{
    struct counting *counting = b->arg;
    const int type = id % 4; /* GET, POST, POST in pieces, GET that is sent once */
    const char *body = bodies[type];
    char url[200];
    weir_fetch_options options = {.method = type % 3 == 0 ? "GET" : "POST", .url = url, .once = type == 3};
    int err;

    (void)snprintf(url, sizeof url, "%s%d", b->url, id);
    if (type == 1) {
        options.body = body;
        options.body_bytes = strlen(body);
    } else {
        options.first = body;
        options.first_bytes = strlen(body);
    }
    err = ask(client, &options, type != 1 && id / 4 % 2 == 0);
    if (type == 0)
        assert_int_equal(err, 0); /* a GET is sent again */
    else
        assert_true(err == 0 || broke_off(err));
    counting->failed += err < 0;
    assert_in_range(counting->seen[id], err == 0 ? 1 : 0, type == 0 ? 2 : 1);
}

static int counted(void *arg)
{
    struct counting counting = {0};
    weir_client *client = client_open(NULL);
    struct backend b;

    backend_open(&b, serve_and_close, &counting);
    for (int id = 0; id < IDS_MAX; id++) {
        ask_numbered(client, &b, id);
        assert_int_equal(weir_sleep(weir_us((int64_t)weir_random_below(300))), 0);
    }
    assert_true(b.connections < IDS_MAX * 2 / 3); /* kept ones are used */
    *(int *)arg += counting.failed;
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void a_request_is_never_sent_twice(void **state)
{
    int failed = 0;

    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(20); seed++)
        run_simulated_and_in_memory(seed, counted, &failed);
    if (seed_last(20) > seed_first())
        assert_true(failed > 0); /* connections did close just as they were used */
}

/* --- which connection --- */

/* Answers with the number of the connection. */
static int serve_number(struct backend *b, weir_stream *s, int number)
{
    char text[REQUEST_BYTES], answer[64];

    (void)b;
    (void)snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n%d", number);
    while (read_whole(s, text) > 0)
        if (weir_sleep(weir_ms(1)) < 0 || send_text(s, answer) < 0)
            break;
    return 0;
}

static int number_of(weir_client *client, const char *url, const char *method)
{
    const bool has_body = strcmp(method, "GET") != 0;
    const weir_fetch_options options = {
        .method = method, .url = url, .body = "x", .body_bytes = has_body ? 1 : 0};
    weir_reply reply;
    int number;

    assert_int_equal(weir_fetch(client, &options, &reply), 0);
    number = atoi(reply.body);
    weir_reply_free(&reply);
    return number;
}

struct call {
    weir_client *client;
    const char *url;
};

static int call(void *arg)
{
    struct call *c = arg;

    (void)number_of(c->client, c->url, "GET");
    return 0;
}

/* Makes so many connections. */
static void fill(weir_client *client, const char *url, int count)
{
    struct call c = {client, url};
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < count; i++)
        assert_int_equal(weir_spawn(&scope, "call", call, &c), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(idle_count(client), count);
}

static int youngest_for_posts(void *arg)
{
    weir_client *client = client_open(NULL);
    struct backend b;
    int last;

    (void)arg;
    backend_open(&b, serve_number, NULL);
    fill(client, b.url, 3);
    last = number_of(client, b.url, "GET");
    for (int i = 0; i < 3; i++)
        assert_int_equal(number_of(client, b.url, "POST"), last);
    assert_int_not_equal(number_of(client, b.url, "PUT"), last); /* it may be sent again */
    assert_int_equal(b.connections, 3);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void what_is_sent_once_gets_the_connection_used_last(void **state)
{
    (void)state;
    run_on_all_transports(youngest_for_posts, NULL);
}

/* --- connections that have ended --- */

enum { ENDED = 2 };

/* The streams of the first connections, which the test ends. */
struct ended {
    weir_stream *streams[ENDED];
    weir_event over;
};

static int serve_until_ended(struct backend *b, weir_stream *s, int number)
{
    struct ended *ended = b->arg;
    char text[REQUEST_BYTES];

    if (number < ENDED)
        ended->streams[number] = s;
    while (read_whole(s, text) > 0)
        if (send_text(s, OK_ANSWER) < 0 || (number < ENDED && weir_event_wait(&ended->over) == 0))
            break;
    return 0;
}

/* The backend ends its connections, and no turn of the loop passes before they are asked for. */
static int ended_unseen(void *arg)
{
    weir_fetch_options post = {.method = "POST", .body = "x", .body_bytes = 1};
    weir_client *client = client_open(NULL);
    struct ended ended;
    struct backend b;
    weir_reply reply;

    (void)arg;
    weir_event_init(&ended.over);
    backend_open(&b, serve_until_ended, &ended);
    fill(client, b.url, ENDED);
    for (int i = 0; i < ENDED; i++)
        assert_int_equal(weir_stream_shutdown(ended.streams[i]), 0);
    post.url = b.url;
    if (client->loop->runtime->options.io != WEIR_IO_SIM) { /* whose network takes time for the end */
        assert_int_equal(weir_fetch(client, &post, &reply), 0);
        assert_string_equal(reply.body, "ok");
        weir_reply_free(&reply);
        assert_int_equal(b.connections, ENDED + 1);
    }
    weir_event_set(&ended.over);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

/* Of a real kernel: the end is there at once. */
static void an_ended_connection_is_not_given_to_a_post(void **state)
{
    (void)state;
    run_everywhere(ended_unseen, NULL);
}

/* --- what is sent with the head --- */

/* Answers once it has all that comes before anything but the beginning is written: up to b->arg. */
static int serve_beginning(struct backend *b, weir_stream *s, int number)
{
    size_t len = 0;

    (void)number;
    for (;;) {
        ssize_t n = weir_read(s, b->request + len, sizeof b->request - 1 - len);
        if (n <= 0)
            return 0;
        len += (size_t)n;
        b->request[len] = '\0';
        if (strstr(b->request, b->arg) == NULL)
            continue;
        if (send_text(s, OK_ANSWER) < 0)
            return 0;
        len = 0;
    }
}

/* The backend answers before the end of the body is written. */
static void expect_beginning(weir_client *client, struct backend *b, int64_t length, const char *beginning)
{
    const weir_fetch_options options = {
        .method = "POST", .url = b->url, .first = "abc", .first_bytes = 3, .duplex = true};
    weir_fetch_stream *f;
    weir_reply reply;
    char data[8];

    b->arg = (void *)(uintptr_t)beginning;
    assert_int_equal(weir_fetch_open(client, &options, length, &f), 0);
    assert_int_equal(weir_fetch_head(f, &reply), 0);
    assert_int_equal(reply.status, 200);
    assert_int_equal(weir_fetch_end(f), 0);
    assert_int_equal(weir_fetch_read(f, data, 1), 1);
    assert_int_equal(weir_fetch_read(f, data, 1), 1);
    assert_int_equal(weir_fetch_read(f, data, 1), 0);
    weir_fetch_close(f);
}

static int sent_with_head(void *arg)
{
    weir_client *client = client_open(NULL);
    struct backend b;

    (void)arg;
    backend_open(&b, serve_beginning, NULL);
    expect_beginning(client, &b, 3, "\r\ncontent-length: 3\r\n\r\nabc");
    assert_int_equal(idle_count(client), 1); /* all was sent */
    expect_beginning(client, &b, -1, "\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void the_beginning_of_a_body_goes_with_the_head(void **state)
{
    (void)state;
    run_on_all_transports(sent_with_head, NULL);
}

/* --- why a request could not be opened --- */

static int told_why(void *arg)
{
    const weir_header headers[] = {{"Content-Length", "1"}};
    const char *why = "";
    weir_client *client = client_open(NULL);
    struct backend b;
    weir_fetch_options options = {.why = &why};
    weir_fetch_stream *f;

    (void)arg;
    backend_open(&b, serve_ok, NULL);
    options.url = "http://a b";
    assert_int_equal(weir_fetch_open(client, &options, 0, &f), -EINVAL);
    assert_non_null(why);
    options.url = b.url;
    assert_int_equal(weir_fetch_open(client, &options, 0, &f), 0);
    assert_null(why);
    weir_fetch_close(f);
    options.headers = headers;
    options.header_count = 1;
    assert_int_equal(weir_fetch_open(client, &options, 0, &f), -EINVAL);
    assert_non_null(strstr(why, "Content-Length"));
    options.header_count = 0;
    options.address = "no address";
    assert_int_equal(weir_fetch_open(client, &options, 0, &f), -EINVAL);
    assert_non_null(why);
    options.address = NULL;
    options.first = "abcd";
    options.first_bytes = 4;
    assert_int_equal(weir_fetch_open(client, &options, 3, &f), -EINVAL);
    assert_non_null(strstr(why, "first_bytes"));
    options.why = NULL;
    assert_int_equal(weir_fetch_open(client, &options, 3, &f), -EINVAL);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void a_failure_is_put_into_words(void **state)
{
    (void)state;
    run_simulated(1, told_why, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_never_sent_twice),
        cmocka_unit_test(what_is_sent_once_gets_the_connection_used_last),
        cmocka_unit_test(an_ended_connection_is_not_given_to_a_post),
        cmocka_unit_test(the_beginning_of_a_body_goes_with_the_head),
        cmocka_unit_test(a_failure_is_put_into_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
