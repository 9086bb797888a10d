/* SPDX-License-Identifier: MIT */
/* Which connection is used next, and the maximum that all clients of a runtime share. */
#include "client_rig.h"

#include "support/torture.h"

/* Answers with the number of the connection, after 1 ms. */
static int serve_number(struct backend *b, weir_stream *s, int number)
{
    char answer[64];

    while (read_request(b, s) > 0) {
        (void)snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n%02d", number);
        if (weir_sleep(weir_ms(1)) < 0 || send_text(s, answer) < 0)
            break;
    }
    return 0;
}

struct call {
    weir_client *client;
    const char *url;
    int err, number;
};

static int call(void *arg)
{
    struct call *c = arg;
    weir_reply reply;

    c->err = weir_get(c->client, c->url, &reply);
    c->number = c->err == 0 ? atoi(reply.body) : -1;
    weir_reply_free(&reply);
    return c->err;
}

/* Calls at once. */
static void call_all(weir_client *client, const char *url, struct call *calls, int count)
{
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < count; i++) {
        calls[i] = (struct call){.client = client, .url = url};
        assert_int_equal(weir_spawn(&scope, "call", call, &calls[i]), 0);
    }
    (void)weir_scope_close(&scope);
    for (int i = 0; i < count; i++)
        assert_int_equal(calls[i].err, 0);
}

static int call_number(weir_client *client, const char *url)
{
    struct call c = {.client = client, .url = url};

    assert_int_equal(call(&c), 0);
    return c.number;
}

static int oldest_first(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);
    struct call calls[3];
    int order[3];

    (void)arg;
    backend_open(&b, serve_number, NULL);
    call_all(client, b.url, calls, 3);
    assert_int_equal(b.connections, 3);
    for (int i = 0; i < 3; i++)
        order[i] = call_number(client, b.url);
    for (int i = 0; i < 6; i++) /* in turn: each is the one unused longest then */
        assert_int_equal(call_number(client, b.url), order[i % 3]);
    assert_true(order[0] != order[1] && order[1] != order[2] && order[0] != order[2]);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void the_connection_unused_longest_is_used_next(void **state)
{
    (void)state;
    run_simulated_and_in_memory(1, oldest_first, NULL);
}

/* --- two clients --- */

static int one_for_two(void *arg)
{
    const weir_client_options one = {.connections_per_origin = 1};
    const weir_client_options own = {.connections_per_origin = 2};
    struct backend b;
    weir_client *first = client_open(&one), *second = client_open(&one), *other = client_open(&own);
    struct call calls[4];

    (void)arg;
    backend_open(&b, serve_number, NULL);
    for (int i = 0; i < 3; i++) { /* each takes the other's idle connection away */
        (void)call_number(first, b.url);
        assert_int_equal(idle_count(first), 1);
        (void)call_number(second, b.url);
        assert_int_equal(idle_count(first), 0);
        assert_int_equal(idle_count(second), 1);
    }
    assert_int_equal(b.connections, 6);
    (void)call_number(other, b.url); /* whose maximum is another */
    assert_int_equal(idle_count(second), 1);
    call_all(second, b.url, calls, 4); /* a connection is passed on within a client */
    assert_int_equal(b.connections, 7);
    weir_client_close(other);
    weir_client_close(second);
    weir_client_close(first);
    backend_close(&b);
    return 0;
}

static void clients_share_a_maximum(void **state)
{
    (void)state;
    run_on_all_transports(one_for_two, NULL);
}

static int keeps_a_part(void *arg)
{
    const weir_client_options four = {.connections_per_origin = 4};
    struct backend b;
    weir_client *first = client_open(&four), *second = client_open(&four);
    struct call calls[4];

    (void)arg;
    backend_open(&b, serve_number, NULL);
    call_all(first, b.url, calls, 4);
    assert_int_equal(idle_count(first), 4);
    (void)call_number(second, b.url);
    assert_int_equal(idle_count(first), 3); /* no more than was wanted */
    call_all(second, b.url, calls, 4);      /* the last one waits for one of its own */
    assert_int_equal(idle_count(first), 1); /* a quarter is its own */
    assert_int_equal(idle_count(second), 3);
    assert_int_equal(b.connections, 7);
    weir_client_close(second);
    weir_client_close(first);
    backend_close(&b);
    return 0;
}

static void a_client_keeps_a_part_to_itself(void **state)
{
    (void)state;
    run_simulated_and_in_memory(1, keeps_a_part, NULL);
}

/* --- a cancelled wait, and a loop that is closed meanwhile --- */

static int torture_waiting(void *arg)
{
    struct call *c = arg;

    return call(c);
}

static int hold_one(void *arg)
{
    struct call *c = arg;

    for (int i = 0; i < 3; i++)
        (void)call_number(c->client, c->url);
    return 0;
}

static int world(struct torture *t)
{
    const weir_client_options one = {.connections_per_origin = 1};
    weir_client *holder = client_open(&one), *client = client_open(&one);
    struct backend b;
    struct call held, waits;
    weir_scope scope;
    int result;

    backend_open(&b, serve_ok, NULL);
    held = (struct call){.client = holder, .url = b.url};
    waits = (struct call){.client = client, .url = b.url};
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    assert_int_equal(weir_spawn(&scope, "holder", hold_one, &held), 0);
    (void)weir_yield();
    result = torture_victim(t, torture_waiting, &waits);
    (void)weir_scope_close(&scope);
    get_ok(client, b.url);
    get_ok(holder, b.url);
    weir_client_close(client);
    weir_client_close(holder);
    backend_close(&b);
    return result;
}

static void waiting_for_another_client_can_be_cancelled(void **state)
{
    (void)state;
    assert_in_range(torture_all_transports(world, NULL), 10, 10000);
}

/* --- loops --- */

enum { LOOPS = 3, CALLERS = 8, CALLS = 40, MOST = 4 };

struct on_loop {
    const char *url;
    int number, done;
};

static int call_often(void *arg)
{
    struct call *c = arg;

    for (int i = 0; i < CALLS; i++)
        get_ok(c->client, c->url);
    return 0;
}

static int loop_main(void *arg)
{
    struct on_loop *loop = arg;
    const weir_client_options options = {.connections_per_origin = MOST};
    struct call c = {.url = loop->url};
    weir_scope scope;

    c.client = client_open(&options);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(weir_spawn(&scope, "caller", call_often, &c), 0);
    (void)weir_scope_close(&scope);
    loop->done = 1;
    weir_client_close(c.client);
    return 0;
}

static int to_loop(void *arg)
{
    struct on_loop *loop = arg;

    return weir_loop_call(loop->number, "loop", loop_main, loop);
}

static int several_loops(void *arg)
{
    struct on_loop loops[LOOPS];
    struct backend b;
    weir_scope scope;

    (void)arg;
    backend_open(&b, serve_ok, NULL);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < LOOPS; i++) {
        loops[i] = (struct on_loop){.url = b.url, .number = i};
        assert_int_equal(weir_spawn(&scope, "loop", to_loop, &loops[i]), 0);
    }
    (void)weir_scope_close(&scope);
    for (int i = 0; i < LOOPS; i++)
        assert_int_equal(loops[i].done, 1);
    assert_int_equal(b.requests, LOOPS * CALLERS * CALLS);
    backend_close(&b);
    return 0;
}

static void loops_wait_for_each_other(void **state)
{
    const enum weir_io ios[] = {WEIR_IO_URING, WEIR_IO_EPOLL};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const weir_options options = {.loops = LOOPS, .io = ios[i], .stall_after = weir_ms(-1)};
        if (io_is_here(ios[i]))
            assert_int_equal(weir_run(&options, several_loops, NULL), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_connection_unused_longest_is_used_next),
        cmocka_unit_test(clients_share_a_maximum),
        cmocka_unit_test(a_client_keeps_a_part_to_itself),
        cmocka_unit_test(waiting_for_another_client_can_be_cancelled),
        cmocka_unit_test(loops_wait_for_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
