/* SPDX-License-Identifier: MIT */
/* A backend on several loops: maxima, ejection and the breaker are common; one loop checks, and hands that
 * on. */
#include "cluster.h"

#include <stdatomic.h>

#include "http/client/backend/state.h"

enum { LOOPS = 3, ROUNDS = 60 };

static atomic_int ports[2], connections, connections_most, requests, checks, failing, seconds;

/* The server is on loop 0; it counts for all. */
static int serve_counted(struct backend *b, weir_stream *s, int number)
{
    int now = atomic_fetch_add(&connections, 1) + 1;

    (void)number;
    if (now > atomic_load(&connections_most))
        atomic_store(&connections_most, now);
    while (read_request(b, s) > 0) {
        bool is_check = strncmp(b->request, "GET /healthz", 12) == 0;
        atomic_fetch_add(is_check ? &checks : &requests, 1);
        atomic_fetch_add(&seconds, strstr(b->request, "\r\nx-weir-attempt: 2\r\n") != NULL);
        if (weir_sleep(weir_us(200)) < 0 ||
            send_text(s, atomic_load(&failing) ? "HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n" : OK_ANSWER) <
                0)
            break;
    }
    atomic_fetch_sub(&connections, 1);
    return 0;
}

struct shared {
    const weir_backend_options *options;
    int (*run)(struct cluster *c);
    atomic_int open; /* loops that have the backend open */
};

static int on_loop(void *arg)
{
    struct shared *s = arg;
    struct cluster c = {0};
    int err;

    assert_int_equal(weir_backend_open(s->options, &c.backend), 0);
    c.client = client_open(NULL);
    atomic_fetch_add(&s->open, 1);
    while (atomic_load(&s->open) < LOOPS)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
    err = s->run(&c);
    weir_client_close(c.client);
    weir_backend_close(c.backend);
    return err;
}

struct call {
    int loop;
    struct shared *shared;
};

static int call_loop(void *arg)
{
    const struct call *call = arg;

    return weir_loop_call(call->loop, "loop", on_loop, call->shared);
}

/* Runs on each loop, with a backend of two servers. */
static int on_all_loops(weir_backend_options options, int (*run)(struct cluster *c))
{
    struct call calls[LOOPS];
    struct shared shared = {.options = &options, .run = run};
    struct cluster c;
    weir_scope scope;

    cluster_begin(&c, 2, serve_counted);
    for (int i = 0; i < 2; i++)
        atomic_store(&ports[i], atoi(strrchr(weir_listener_address(c.servers[i].listener), ':') + 1));
    options.name = "orders";
    options.urls = c.urls;
    options.url_count = 2;
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < LOOPS; i++) {
        calls[i] = (struct call){i, &shared};
        (void)weir_spawn(&scope, "calling", call_loop, &calls[i]);
    }
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(see().backends, 0);
    cluster_close(&c);
    return 0;
}

static void run_loops(int (*fn)(void *arg))
{
    static const enum weir_io ios[] = {WEIR_IO_URING, WEIR_IO_EPOLL};

    for (size_t i = 0; i < 2; i++) {
        if (!io_is_here(ios[i]))
            continue;
        atomic_store(&connections, 0);
        atomic_store(&connections_most, 0);
        atomic_store(&requests, 0);
        atomic_store(&checks, 0);
        atomic_store(&failing, 0);
        atomic_store(&seconds, 0);
        assert_int_equal(weir_run(&(weir_options){.loops = LOOPS, .io = ios[i], .seed = 1}, fn, NULL), 0);
    }
}

/* --- maxima --- */

static int ask_much(struct cluster *c)
{
    for (int i = 0; i < ROUNDS; i++)
        assert_int_equal(ask_at_once(c, 4, 0), 4);
    return 0;
}

static int common_maximum(void *arg)
{
    (void)arg;
    (void)on_all_loops((weir_backend_options){.connections_max = 4}, ask_much);
    assert_int_equal(atomic_load(&requests), LOOPS * ROUNDS * 4);
    /* A connection that is closed for its slot may be seen a moment later than the one that takes its place.
     */
    assert_true(atomic_load(&connections_most) <= 2 * 4);
    return 0;
}

static void all_loops_have_one_maximum(void **state)
{
    (void)state;
    run_loops(common_maximum);
}

static atomic_int limited, admitted;

static int ask_too_much(struct cluster *c)
{
    for (int i = 0; i < ROUNDS; i++) {
        int refused = ask_at_once(c, 4, -WEIR_ELIMITED);
        atomic_fetch_add(&limited, refused);
        atomic_fetch_add(&admitted, 4 - refused);
    }
    return 0;
}

static int common_limit(void *arg)
{
    (void)arg;
    atomic_store(&limited, 0);
    atomic_store(&admitted, 0);
    (void)on_all_loops((weir_backend_options){.limit = 3}, ask_too_much);
    assert_int_equal(atomic_load(&limited) + atomic_load(&admitted), LOOPS * ROUNDS * 4);
    assert_true(atomic_load(&limited) >= LOOPS * ROUNDS); /* of the four of a loop one at least */
    assert_int_equal(atomic_load(&requests), atomic_load(&admitted));
    return 0;
}

static void all_loops_have_one_limit(void **state)
{
    (void)state;
    run_loops(common_limit);
}

/* --- the budget of second attempts --- */

/* Each request wants a hedge. First attempts add less than one, so that only time pays: one a second, for all
 * loops together, and the one that a budget begins with. */
static int common_budget(void *arg)
{
    const int64_t began_ns = weir_now().ns;

    (void)arg;
    (void)on_all_loops((weir_backend_options){.hedge = {.after = weir_us(1), .extra_percent = 0.1}},
                       ask_much);
    assert_true(atomic_load(&seconds) >= 1);
    assert_true((double)atomic_load(&seconds) <= 1 + 1 + (double)(weir_now().ns - began_ns) / 1e9);
    return 0;
}

static void all_loops_have_one_budget(void **state)
{
    (void)state;
    run_loops(common_budget);
}

/* --- the breaker --- */

static atomic_int stage, at_stage;

/* Waits until every loop has come this far. */
static void meet(int next)
{
    if (atomic_fetch_add(&at_stage, 1) + 1 == LOOPS) {
        atomic_store(&at_stage, 0);
        atomic_store(&stage, next);
    }
    while (atomic_load(&stage) < next)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
}

enum { OPEN_LONG_AGO = 1 }; /* as breaker.c writes it */

/* The time for which it is open is made to pass, so that it does not before. */
static int open_and_probe(struct cluster *c)
{
    struct weir__breaker *breaker = &weir__backend_common(c->backend)->breaker;
    int probed;

    meet(1);
    for (int i = 0; i < 20; i++)
        (void)ask(c, "/", NULL);
    meet(2); /* it has opened on whatever loop */
    assert_int_equal(ask(c, "/", NULL), -WEIR_EOPEN);
    meet(3);
    atomic_store(&failing, 0);
    atomic_store(&breaker->state, OPEN_LONG_AGO);
    meet(4);
    probed = ask(c, "/", NULL); /* one of the loops has the probe, unless it is over before another asks */
    assert_true(probed == 0 || probed == -WEIR_EOPEN);
    meet(5);
    assert_int_equal(ask(c, "/", NULL), 0);
    return 0;
}

static int common_breaker(void *arg)
{
    (void)arg;
    atomic_store(&stage, 0);
    atomic_store(&at_stage, 0);
    atomic_store(&failing, 1);
    return on_all_loops((weir_backend_options){.breaker = {.failed_percent = 50, .open = weir_seconds(60)},
                                               .eject.after = -1},
                        open_and_probe);
}

static void all_loops_have_one_breaker(void **state)
{
    (void)state;
    run_loops(common_breaker);
}

/* --- addresses that change --- */

/* Loop 0 changes the table while all loops ask. Places of instances that have gone are taken again. */
static void change_addresses(struct cluster *c, const char (*addresses)[WEIR__INSTANCE_ADDRESS_BYTES],
                             int round)
{
    struct weir__backend_shared *s = c->backend->member.shared;
    const int64_t now_ns = weir_now().ns;

    weir__backend_set_addresses(s, 0, addresses, round % 3 == 0 ? 2 : 1, now_ns);
    weir__backend_set_addresses(s, 1, addresses + 1, round % 3 == 1 ? 0 : 1, now_ns);
}

static int ask_while_addresses_change(struct cluster *c)
{
    char addresses[2][WEIR__INSTANCE_ADDRESS_BYTES];
    struct seen seen = see();

    for (int i = 0; i < 2; i++)
        (void)snprintf(addresses[i], sizeof addresses[i], "127.0.0.1:%d", atomic_load(&ports[i]));
    assert_int_equal(seen.stats.instance_count, 2);
    for (int i = 0; i < 2 * ROUNDS; i++) {
        if (weir_loop_index() == 0)
            change_addresses(c, (const char(*)[WEIR__INSTANCE_ADDRESS_BYTES])addresses, i);
        assert_int_equal(ask_at_once(c, 4, 0), 4);
    }
    return 0;
}

static int common_addresses(void *arg)
{
    (void)arg;
    return on_all_loops((weir_backend_options){.connections_max = 5}, ask_while_addresses_change);
}

static void all_loops_follow_addresses_that_change(void **state)
{
    (void)state;
    run_loops(common_addresses);
}

/* --- health checks --- */

/* The loops leave one after the other; whichever is left goes on checking. */
static int leave_in_turn(struct cluster *c)
{
    int leaving = atomic_fetch_add(&at_stage, 1), seen;

    (void)c;
    while (atomic_load(&stage) < leaving)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    seen = atomic_load(&checks);
    while (atomic_load(&checks) < seen + 6)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    atomic_fetch_add(&stage, 1);
    return 0;
}

static int common_checks(void *arg)
{
    (void)arg;
    atomic_store(&stage, 0);
    atomic_store(&at_stage, 0);
    return on_all_loops((weir_backend_options){.health = {.path = "/healthz", .every = weir_ms(10)}},
                        leave_in_turn);
}

static void one_loop_checks_and_another_goes_on(void **state)
{
    (void)state;
    run_loops(common_checks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_loops_have_one_maximum),
        cmocka_unit_test(all_loops_have_one_limit),
        cmocka_unit_test(all_loops_have_one_budget),
        cmocka_unit_test(all_loops_have_one_breaker),
        cmocka_unit_test(all_loops_follow_addresses_that_change),
        cmocka_unit_test(one_loop_checks_and_another_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
