/* SPDX-License-Identifier: MIT */
/* The code that docs/guide.md shows in addition to the examples: compiled, and run under simulation. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/run.h"

/* --- scopes --- */

/* [nested] */
/* Runs a step with a deadline of 50 ms, or the caller's, if that is earlier. */
static int step_in_time(int (*step)(void *), void *arg, bool *too_slow)
{
    weir_scope scope;
    int err;

    weir_scope_open(&scope, weir_after_ms(50), 0);
    err = step(arg);
    weir_scope_close(&scope);
    *too_slow = weir_scope_expired(&scope); /* our 50 ms; false if an outer deadline passed */
    return err;
}
/* [/nested] */

static int never_ends(void *arg)
{
    (void)arg;
    return weir_sleep(weir_seconds(3600));
}

static int nested(void *arg)
{
    bool too_slow;
    weir_scope outer;

    (void)arg;
    assert_int_equal(step_in_time(never_ends, NULL, &too_slow), -WEIR_EDEADLINE);
    assert_true(too_slow);
    weir_scope_open(&outer, weir_after_ms(20), 0);
    assert_int_equal(step_in_time(never_ends, NULL, &too_slow), -WEIR_EDEADLINE);
    assert_false(too_slow);
    assert_int_equal(weir_scope_close(&outer), -WEIR_EDEADLINE);
    assert_true(weir_scope_expired(&outer));
    return 0;
}

/* [shield] */
/* Sends a last message, also when the task is cancelled; takes a fifth of a second at most. */
static int say_goodbye(weir_stream *stream)
{
    weir_scope shield;
    int err;

    weir_scope_open(&shield, weir_after_ms(200), WEIR_SHIELD);
    err = weir_write(stream, "bye\n", 4);
    weir_scope_close(&shield);
    return err;
}

static int talk(void *arg)
{
    weir_stream *stream = arg;
    char data[64];
    ssize_t n;

    while ((n = weir_read(stream, data, sizeof data)) > 0)
        ; /* … */
    if (n == -WEIR_ECANCELED)
        n = say_goodbye(stream);
    weir_stream_close(stream);
    return n < 0 ? (int)n : 0;
}
/* [/shield] */

static int hear_goodbye(void *arg)
{
    weir_stream *stream;
    char data[8];

    assert_int_equal(weir_connect(arg, &stream), 0);
    assert_int_equal(weir_read(stream, data, sizeof data), 4);
    assert_memory_equal(data, "bye\n", 4);
    weir_stream_close(stream);
    return 0;
}

static int goodbye(void *arg)
{
    weir_listener *listener;
    weir_stream *stream;
    weir_scope peer, talking;

    (void)arg;
    assert_int_equal(weir_listen("127.0.0.1:7000", &listener), 0);
    weir_scope_open(&peer, weir_never(), 0);
    assert_int_equal(weir_spawn(&peer, "peer", hear_goodbye, (void *)(uintptr_t) "127.0.0.1:7000"), 0);
    assert_int_equal(weir_accept(listener, &stream), 0);
    weir_scope_open(&talking, weir_never(), 0);
    assert_int_equal(weir_spawn(&talking, "talk", talk, stream), 0);
    assert_int_equal(weir_sleep(weir_ms(10)), 0);
    weir_scope_cancel(&talking);
    weir_scope_close(&talking);
    assert_int_equal(weir_scope_close(&peer), 0);
    weir_listener_close(listener);
    return 0;
}

/* --- a scope that closes itself --- */

struct part {
    int takes_ms, result;
};

static int fetch_part(void *arg)
{
    struct part *part = arg;

    part->result = weir_sleep(weir_ms(part->takes_ms));
    return part->result;
}

/* [auto] */
/* Fetches both parts; a part that cannot be started, or fails, cancels the other. */
static int fetch_both(struct part *first, struct part *second)
{
    weir_scope_auto(scope, weir_after_ms(100), 0);

    if (weir_spawn(&scope, "first", fetch_part, first) < 0)
        return -WEIR_EBUSY; /* leaving the block closes the scope */
    if (weir_spawn(&scope, "second", fetch_part, second) < 0)
        return -WEIR_EBUSY; /* and cancels the first, and waits for it */
    return weir_scope_close(&scope);
}
/* [/auto] */

static int both(void *arg)
{
    struct part fast = {.takes_ms = 10}, slow = {.takes_ms = 1000};

    (void)arg;
    assert_int_equal(fetch_both(&fast, &fast), 0);
    assert_int_equal(fetch_both(&fast, &slow), -WEIR_EDEADLINE);
    assert_int_equal(slow.result, -WEIR_EDEADLINE);
    return 0;
}

/* --- select --- */

/* [select] */
/* Adds up numbers until the event is set or the channel has ended. */
static int add_until(weir_channel *numbers, weir_event *stop, int *sum)
{
    for (;;) {
        int n;
        bool closed;
        weir_case cases[] = {weir_on_event(stop), weir_on_receive(numbers, &n)};
        int got = weir_select(cases, 2, &closed);

        if (got < 0)
            return got;
        if (got == 0 || closed)
            return 0;
        *sum += n;
    }
}
/* [/select] */

static int select_and_add(void *arg)
{
    weir_channel *numbers;
    weir_event stop;
    int sum = 0;

    (void)arg;
    assert_int_equal(weir_channel_open(sizeof(int), 4, &numbers), 0);
    weir_event_init(&stop);
    for (int i = 1; i <= 4; i++)
        assert_int_equal(weir_channel_send(numbers, &i), 0);
    weir_channel_end(numbers);
    assert_int_equal(add_until(numbers, &stop, &sum), 0);
    assert_int_equal(sum, 10);
    weir_channel_close(numbers);
    return 0;
}

/* --- bodies larger than memory --- */

/* [upper] */
/* Answers POST of a text of any size with the text in capitals, piece by piece. A client that does not read
 * slows down the handler, and the handler slows down the client's sending. */
static int upper(weir_request *req, weir_response *res, void *state)
{
    char data[4096];
    ssize_t n;
    int err = weir_respond_begin(res, 200, "text/plain", -1);

    (void)state;
    while (err == 0 && (n = weir_request_read(req, data, sizeof data)) != 0) {
        if (n < 0)
            return (int)n; /* breaks off the answer, so that the client notices */
        for (ssize_t i = 0; i < n; i++)
            if (data[i] >= 'a' && data[i] <= 'z')
                data[i] = (char)(data[i] - 'a' + 'A');
        err = weir_respond_write(res, data, (size_t)n);
    }
    return err;
}
/* [/upper] */

/* [download] */
/* Counts the bytes of an answer's body, of any size. */
static int count_bytes(weir_client *client, const weir_fetch_options *options, uint64_t *bytes)
{
    weir_fetch_stream *f;
    weir_reply head;
    char data[4096];
    ssize_t n = 0;
    int err = weir_fetch_open(client, options, 0, &f);

    if (err < 0)
        return err;
    err = weir_fetch_head(f, &head);
    for (*bytes = 0; err == 0 && (n = weir_fetch_read(f, data, sizeof data)) > 0;)
        *bytes += (uint64_t)n;
    weir_fetch_close(f); /* keeps the connection if all was read */
    return err < 0 ? err : (int)n;
}
/* [/download] */

static int big(weir_request *req, weir_response *res, void *state)
{
    static const char piece[1000] = "x";
    int err = weir_respond_begin(res, 200, NULL, 100 * (int64_t)sizeof piece);

    (void)req, (void)state;
    for (int i = 0; i < 100 && err == 0; i++)
        err = weir_respond_write(res, piece, sizeof piece);
    return err;
}

static int slow(weir_request *req, weir_response *res, void *state)
{
    int err = weir_sleep(weir_seconds(2));

    (void)req, (void)state;
    return err < 0 ? err : weir_respond_text(res, 200, "at last\n");
}

/* [sim] */
static int ask(weir_client *client);

static int whole_world(void *arg)
{
    static const weir_server_options options = {.listen = "127.0.0.1:8080"};
    static const weir_route routes[] = {
        {.path = "/slow", .handler = slow},
        {.path = "/big", .handler = big},
        {.path = "/upper", .handler = upper, .methods = "POST"},
    };
    weir_server *server;
    weir_client *client;
    int err = weir_server_open(&options, routes, sizeof routes / sizeof *routes, &server);

    (void)arg;
    if (err < 0)
        return err;
    err = weir_client_open(NULL, &client);
    if (err == 0) {
        err = ask(client);
        weir_client_close(client);
    }
    weir_server_close(server); /* drains, and waits for the end */
    return err;
}

static void test_the_whole_world(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        weir_options options = {.io = WEIR_IO_SIM, .seed = seed};
        assert_int_equal(weir_run(&options, whole_world, NULL), 0);
    }
}
/* [/sim] */

static int ask(weir_client *client)
{
    weir_instant start = weir_now();
    weir_reply reply;
    uint64_t bytes;
    weir_fetch_options post;

    assert_int_equal(weir_get(client, "http://127.0.0.1:8080/slow", &reply), 0);
    assert_string_equal(reply.body, "at last\n");
    weir_reply_free(&reply);
    assert_true(weir_between(start, weir_now()).ns >= weir_seconds(2).ns); /* virtual */

    assert_int_equal(count_bytes(client, &(weir_fetch_options){.url = "http://127.0.0.1:8080/big"}, &bytes),
                     0);
    assert_int_equal(bytes, 100000);

    post = (weir_fetch_options){
        .method = "POST", .url = "http://127.0.0.1:8080/upper", .body = "hello", .body_bytes = 5};
    assert_int_equal(weir_fetch(client, &post, &reply), 0);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "HELLO");
    weir_reply_free(&reply);
    return 0;
}

static void run(int (*fn)(void *))
{
    for (uint64_t seed = seed_first(); seed <= seed_last(10); seed++)
        run_simulated(seed, fn, NULL);
}

static void test_nested(void **state)
{
    (void)state;
    run(nested);
}

static void test_goodbye(void **state)
{
    (void)state;
    run(goodbye);
}

static void test_select(void **state)
{
    (void)state;
    run(select_and_add);
}

static void a_scope_closes_itself(void **state)
{
    (void)state;
    run_simulated(1, both, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scope_closes_itself), cmocka_unit_test(test_nested),
        cmocka_unit_test(test_goodbye),          cmocka_unit_test(test_select),
        cmocka_unit_test(test_the_whole_world),
    };

    return cmocka_run_group_tests_name("guide", tests, NULL, NULL);
}
