/* SPDX-License-Identifier: MIT */
/* Every wait of the client is cancelled; afterwards nothing is in use, and the client still works. */
#include "client_rig.h"

#include "support/torture.h"

struct fixture {
    weir_client *client;
    const char *url;
};

static int serve_two_writes(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    while (read_request(b, s) > 0)
        if (send_text(s, OK_HEAD) < 0 || weir_sleep(weir_us(100)) < 0 || send_text(s, "ok") < 0)
            break;
    return 0;
}

/* Reads, and keeps the last five bytes of all that has come. */
static ssize_t read_past(weir_stream *s, char tail[static 5])
{
    char data[5 + 4096];
    ssize_t n = weir_read(s, data + 5, sizeof data - 5);

    memcpy(data, tail, 5);
    if (n > 0)
        memcpy(tail, data + n, 5);
    return n;
}

/* Answers a body, however long, when its last piece has come. */
static int serve_upload(struct backend *b, weir_stream *s, int number)
{
    char tail[5] = {0};
    ssize_t n;

    if (read_request(b, s) <= 0)
        return 0;
    if (strncmp(b->request, "GET", 3) == 0)
        return send_text(s, OK_ANSWER) < 0 ? 0 : serve_two_writes(b, s, number);
    do
        n = read_past(s, tail);
    while (n > 0 && memcmp(tail, "0\r\n\r\n", 5) != 0);
    return n > 0 ? send_text(s, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
                 : 0;
}

static int world(struct torture *t, int (*victim)(void *), int (*serve)(struct backend *, weir_stream *, int),
                 const weir_client_options *options)
{
    struct backend b;
    struct fixture f;
    int result;

    f.client = client_open(options);
    backend_open(&b, serve, NULL);
    f.url = b.url;
    result = torture_victim(t, victim, &f);
    weir__list_each (node, &f.client->origins) {
        struct weir__origin *origin = weir__container_of(node, struct weir__origin, node);
        assert_int_equal(origin->in_use, 0);
        assert_int_equal(origin->users, 0);
        assert_int_equal(origin->own_slots.waiting, 0);
    }
    get_ok(f.client, b.url);
    weir_client_close(f.client);
    backend_close(&b);
    return result;
}

/* --- whole answers: a connection's first, and one it was kept for --- */

static int asks_twice(void *arg)
{
    struct fixture *f = arg;

    for (int i = 0; i < 2; i++) {
        weir_reply reply;
        int err = weir_get(f->client, f->url, &reply);
        if (err < 0) {
            assert_null(reply.memory);
            return err;
        }
        assert_string_equal(reply.body, "ok");
        weir_reply_free(&reply);
    }
    return 0;
}

static int whole_answers(struct torture *t)
{
    return world(t, asks_twice, serve_two_writes, NULL);
}

static void asking_can_be_cancelled(void **state)
{
    (void)state;
    assert_in_range(torture_all_transports(whole_answers, NULL), 20, 10000);
}

/* --- waiting for a connection --- */

static int asks(void *arg)
{
    struct fixture *f = arg;
    weir_reply reply;
    int err = weir_get(f->client, f->url, &reply);

    weir_reply_free(&reply);
    return err;
}

static int asks_all_at_once(void *arg)
{
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 4; i++)
        (void)weir_spawn(&scope, "asks", asks, arg);
    return weir_scope_close(&scope);
}

static int queue(struct torture *t)
{
    static const weir_client_options one = {.connections_per_origin = 1};

    return world(t, asks_all_at_once, serve_two_writes, &one);
}

static void waiting_for_a_connection_can_be_cancelled(void **state)
{
    (void)state;
    assert_in_range(torture_all_transports(queue, NULL), 20, 10000);
}

/* --- streams --- */

static int sends_and_reads(weir_fetch_stream *s)
{
    static const char block[300000] = {1};
    weir_reply reply;
    char got[16];
    ssize_t n = 0;
    int err = weir_fetch_write(s, block, sizeof block);

    if (err == 0)
        err = weir_fetch_write(s, "end", 3);
    if (err == 0)
        err = weir_fetch_head(s, &reply);
    if (err < 0)
        return err;
    assert_int_equal(reply.status, 200);
    do
        n = weir_fetch_read(s, got, sizeof got);
    while (n > 0);
    return (int)n;
}

static int streams(void *arg)
{
    struct fixture *f = arg;
    weir_fetch_options options = {.url = f->url, .method = "POST"};
    weir_fetch_stream *s;
    int err = weir_fetch_open(f->client, &options, -1, &s);

    if (err < 0)
        return err;
    err = sends_and_reads(s);
    weir_fetch_close(s);
    return err;
}

static int stream_world(struct torture *t)
{
    return world(t, streams, serve_upload, NULL);
}

static void streaming_can_be_cancelled(void **state)
{
    (void)state;
    assert_in_range(torture_all_transports(stream_world, NULL), 20, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asking_can_be_cancelled),
        cmocka_unit_test(waiting_for_a_connection_can_be_cancelled),
        cmocka_unit_test(streaming_can_be_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
