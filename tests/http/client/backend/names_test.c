/* SPDX-License-Identifier: MIT */
/* Backends whose instances are the addresses of names, which change. */
#include "cluster.h"

#include <arpa/inet.h>
#include <errno.h>

#include <weir/resolver.h>

enum { PORT = 7101 };

/* Servers at 127.0.0.1 to 127.0.0.4, all at one port. */
struct world {
    struct cluster c;
    weir_scope scope;
    struct backend servers[4];
};

static void set_name(const char *addresses, weir_duration ttl)
{
    weir_simulated_name name = {.name = "orders.internal", .addresses = addresses, .ttl = ttl};

    if (addresses == NULL)
        name.answer = WEIR_SIMULATED_NO_NAME;
    assert_int_equal(weir_resolver_simulate(&name), 0);
}

static void open_world(struct world *w, int (*serve)(struct backend *, weir_stream *, int),
                       const weir_backend_options *options)
{
    static const char *const urls[] = {"http://orders.internal:7101"};
    weir_backend_options filled = *options;

    memset(w, 0, sizeof *w);
    filled.name = "orders";
    filled.urls = urls;
    filled.url_count = 1;
    for (int i = 0; i < 4; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "127.0.0.%d:%d", i + 1, PORT);
        backend_open_at(&w->servers[i], address, serve, w);
    }
    assert_int_equal(weir_backend_open(&filled, &w->c.backend), 0);
    w->c.client = client_open(NULL);
}

static void close_world(struct world *w)
{
    weir_backend_close(w->c.backend);
    weir_client_close(w->c.client);
    for (int i = 3; i >= 0; i--)
        backend_close(&w->servers[i]);
}

static int requests(const struct world *w, int server)
{
    return w->servers[server].requests;
}

static int addresses_are_instances(void *arg)
{
    static const weir_backend_options options = {.balance = WEIR_BALANCE_ROUND_ROBIN};
    static struct world w;

    (void)arg;
    set_name("127.0.0.1 127.0.0.2", weir_seconds(30));
    open_world(&w, serve_ok, &options);
    for (int i = 0; i < 10; i++) /* the first waits for the look-up */
        assert_int_equal(ask(&w.c, "/a", NULL), 0);
    assert_true(requests(&w, 0) == 5 && requests(&w, 1) == 5);
    assert_int_equal(see().stats.instance_count, 2);
    assert_non_null(strstr(w.servers[0].request, "\r\nhost: orders.internal:7101\r\n"));
    close_world(&w);
    return 0;
}

static int addresses_change(void *arg)
{
    static const weir_backend_options options = {.balance = WEIR_BALANCE_ROUND_ROBIN};
    static struct world w;

    (void)arg;
    set_name("127.0.0.1 127.0.0.2", weir_seconds(5));
    open_world(&w, serve_ok, &options);
    for (int i = 0; i < 4; i++)
        assert_int_equal(ask(&w.c, "/", NULL), 0);
    assert_int_equal(w.servers[0].open, 1);
    set_name("127.0.0.2 127.0.0.3", weir_seconds(5));
    assert_int_equal(weir_sleep(weir_seconds(8)), 0);
    assert_int_equal(w.servers[0].open,
                     0); /* idle connections to what is gone are closed, without a request */
    assert_int_equal(w.servers[1].open, 1);
    for (int i = 0; i < 4; i++)
        assert_int_equal(ask(&w.c, "/", NULL), 0);
    assert_int_equal(requests(&w, 0), 2);
    assert_int_equal(requests(&w, 1), 4);
    assert_int_equal(requests(&w, 2), 2);
    assert_int_equal(see().stats.instance_count, 2);
    assert_at_rest(&w.c);
    close_world(&w);
    return 0;
}

static int serve_slowly(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    while (read_request(b, s) > 0)
        if (weir_sleep(weir_seconds(20)) < 0 || send_text(s, OK_ANSWER) < 0)
            break;
    return 0;
}

static void exchange_goes_on(struct world *w)
{
    struct asking asking = {.cluster = &w->c, .err = 1};
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    (void)weir_spawn(&scope, "asking", ask_once, &asking);
    assert_int_equal(weir_sleep(weir_seconds(1)), 0);
    assert_int_equal(w->servers[0].requests, 1);
    set_name("127.0.0.2", weir_seconds(5));
    assert_int_equal(weir_sleep(weir_seconds(9)), 0);
    assert_int_equal(state_of(0), WEIR_INSTANCE_GONE);
    assert_int_equal(see().stats.instance_count, 2);
    assert_int_equal(w->servers[0].open, 1);
    (void)weir_scope_close(&scope);
    assert_int_equal(asking.err, 0);
}

static int exchanges_finish(void *arg)
{
    static const weir_backend_options options = {0};
    static struct world w;

    (void)arg;
    set_name("127.0.0.1", weir_seconds(5));
    open_world(&w, serve_slowly, &options);
    exchange_goes_on(&w);
    assert_int_equal(weir_sleep(weir_ms(10)), 0);
    assert_int_equal(w.servers[0].open, 0); /* its connection is not kept */
    assert_int_equal(see().stats.instance_count, 1);
    assert_int_equal(see().stats.connections, 0);
    set_name("127.0.0.1", weir_seconds(5)); /* it comes back */
    assert_int_equal(weir_sleep(weir_seconds(8)), 0);
    assert_int_equal(ask(&w.c, "/", NULL), 0);
    assert_int_equal(requests(&w, 0), 2);
    close_world(&w);
    return 0;
}

static int failures_change_nothing(void *arg)
{
    static const weir_backend_options options = {0};
    static const weir_simulated_name dead = {.name = "orders.internal", .answer = WEIR_SIMULATED_FAILURE};
    static struct world w;

    (void)arg;
    set_name("127.0.0.1", weir_seconds(5));
    open_world(&w, serve_ok, &options);
    assert_int_equal(ask(&w.c, "/", NULL), 0);
    assert_int_equal(weir_resolver_simulate(&dead), 0);
    assert_int_equal(weir_sleep(weir_seconds(100)), 0);
    assert_int_equal(ask(&w.c, "/", NULL), 0);
    set_name(NULL, weir_seconds(5));
    assert_int_equal(weir_sleep(weir_seconds(100)), 0);
    assert_int_equal(ask(&w.c, "/", NULL), 0);
    close_world(&w);
    return 0;
}

static int unknown_names(void *arg)
{
    static const weir_backend_options options = {0};
    static struct world w;
    weir_reply reply;

    (void)arg;
    set_name(NULL, weir_seconds(5));
    open_world(&w, serve_ok, &options);
    assert_int_equal(
        weir_fetch(w.c.client, &(weir_fetch_options){.backend = w.c.backend, .url = "/"}, &reply),
        -WEIR_EDNS);
    assert_string_equal(reply.why, "no such name");
    assert_int_equal(see().stats.refused[WEIR_BACKEND_NO_INSTANCE], 1);
    set_name("127.0.0.1", weir_seconds(5));
    assert_int_equal(weir_sleep(weir_seconds(10)), 0);
    assert_int_equal(ask(&w.c, "/", NULL), 0);
    assert_at_rest(&w.c);
    close_world(&w);
    return 0;
}

/* Requests go on while addresses come and go. */
static int changes_under_load(void *arg)
{
    static const char *const lists[] = {"127.0.0.1 127.0.0.2", "127.0.0.3", "127.0.0.2 127.0.0.4",
                                        "127.0.0.1 127.0.0.2 127.0.0.3 127.0.0.4"};
    static const weir_backend_options options = {.connections_max = 3};
    static struct world w;

    (void)arg;
    set_name(lists[0], weir_seconds(1));
    open_world(&w, serve_ok, &options);
    for (int i = 0; i < 40; i++) {
        set_name(lists[weir_random_below(4)], weir_seconds(1));
        for (int j = 0; j < 3; j++)
            assert_int_equal(ask_at_once(&w.c, 6, 0), 6);
        assert_int_equal(weir_sleep(weir_ms((int64_t)weir_random_below(2000))), 0);
    }
    assert_at_rest(&w.c);
    assert_true(see().stats.connections <= 3);
    close_world(&w);
    return 0;
}

static int post_once(void *arg)
{
    struct asking *a = arg;
    weir_reply reply;

    a->err = weir_fetch(a->cluster->client,
                        &(weir_fetch_options){.backend = a->cluster->backend, .url = "/", .method = "POST"},
                        &reply);
    weir_reply_free(&reply);
    return 0;
}

/* The first attempt is refused, since its instance has no server; that instance goes while the hedge at the
 * other is waited for. */
static int goes_while_hedged(void *arg)
{
    const weir_backend_options options = {.balance = WEIR_BALANCE_ROUND_ROBIN,
                                          .hedge = {.after = weir_us(1), .extra_percent = 100},
                                          .eject = {.after = -1}};
    static struct world w;
    struct asking posting = {.cluster = &w.c, .err = 1}, asking = posting;
    weir_scope scope;

    (void)arg;
    set_name("127.0.0.2 127.0.0.9", weir_seconds(5));
    open_world(&w, serve_slowly, &options);
    weir_scope_open(&scope, weir_never(), 0);
    (void)weir_spawn(&scope, "posting", post_once, &posting); /* has the turn of 127.0.0.2 */
    assert_int_equal(weir_sleep(weir_ms(100)), 0);
    (void)weir_spawn(&scope, "asking", ask_once, &asking);
    assert_int_equal(weir_sleep(weir_seconds(1)), 0);
    assert_int_equal(requests(&w, 1), asking.err == -ECONNREFUSED ? 1 : 2); /* before it was hedged, or not */
    assert_int_equal(see().instances[1].failures, 1);                       /* known at once */
    assert_int_equal(see().instances[1].in_use, 0);
    set_name("127.0.0.2", weir_seconds(5));
    assert_int_equal(weir_sleep(weir_seconds(9)), 0);
    assert_int_equal(see().stats.instance_count, 1);
    (void)weir_scope_close(&scope);
    assert_int_equal(posting.err, 0);
    assert_true(asking.err == 0 || asking.err == -ECONNREFUSED);
    assert_int_equal(see().stats.attempts.attempts[WEIR_ATTEMPT_FIRST][WEIR_ATTEMPT_FAILED], 1);
    assert_at_rest(&w.c);
    close_world(&w);
    return 0;
}

#define TEST(fn, seeds)                                                                                      \
    static void test_##fn(void **state)                                                                      \
    {                                                                                                        \
        (void)state;                                                                                         \
        for (uint64_t seed = seed_first(); seed <= seed_last(seeds); seed++)                                 \
            run_simulated(seed, fn, NULL);                                                                   \
    }

TEST(addresses_are_instances, 5)
TEST(addresses_change, 5)
TEST(exchanges_finish, 5)
TEST(failures_change_nothing, 2)
TEST(unknown_names, 5)
TEST(changes_under_load, 10)
TEST(goes_while_hedged, 20)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_are_instances), cmocka_unit_test(test_addresses_change),
        cmocka_unit_test(test_exchanges_finish),        cmocka_unit_test(test_failures_change_nothing),
        cmocka_unit_test(test_unknown_names),           cmocka_unit_test(test_changes_under_load),
        cmocka_unit_test(test_goes_while_hedged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
