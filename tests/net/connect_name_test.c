/* SPDX-License-Identifier: MIT */
/* Connecting to a name, simulated: happy eyeballs on what comes, failures, what a wait is charged to and
 * called, a cancel at every wait. */
#include <string.h>

#include "names/resolver.h"
#include "net/connect.h"
#include "net/net_rig.h"

enum { HOSTS = 3 };

static const char *const hosts[HOSTS] = {"[2001:db8::1]:700", "10.0.0.1:700", "10.0.0.2:700"};

struct field {
    weir_listener *listeners[HOSTS];
};

static void field_open(struct field *f)
{
    for (int i = 0; i < HOSTS; i++)
        assert_int_equal(weir_listen(hosts[i], &f->listeners[i]), 0);
}

static void field_close(struct field *f)
{
    for (int i = 0; i < HOSTS; i++)
        weir_listener_close(f->listeners[i]);
    assert_int_equal(weir_sleep(weir_seconds(2)), 0); /* a family that nobody waits for any more */
    assert_int_equal(weir__sim_stats(this_io()).open_files, 0);
    assert_int_equal(weir__sim_stats(this_io()).pending_ops, 0);
}

/* What servers say of "svc.test"; latencies in ms. */
static void set(const char *addresses, int latency, int latency_ipv6)
{
    const weir_simulated_name n = {.name = "svc.test",
                                   .addresses = addresses,
                                   .ttl = weir_seconds(1),
                                   .latency_min = weir_ms(latency),
                                   .latency_ipv6 = weir_ms(latency_ipv6)};

    assert_int_equal(weir_resolver_simulate(&n), 0);
    assert_int_equal(weir_sleep(weir_seconds(2)), 0); /* what was known is forgotten */
}

/* Makes an address of the simulation dead (never answered) or refuse. */
static void make(const char *host, bool dead)
{
    struct weir__sim_options o = weir__sim_calm();
    struct weir__endpoint e;
    struct weir__address a;

    o.connect_stall_per_million = dead ? 1000000 : 0;
    o.refuse_per_million = dead ? 0 : 1000000;
    assert_int_equal(weir__endpoint_parse(host, &e), 0);
    assert_int_equal(weir__address_of_literal(e.host, e.port, &a), 0);
    weir__sim_configure_address(this_io(), &a.any, a.len, &o);
}

/* Connects. Returns: the virtual time it took, in ms. winner NULL: with what error. */
static int64_t expect(const char *winner, int expected)
{
    weir_instant began = weir_now();
    char text[WEIR_ADDRESS_BYTES];
    weir_stream *s;
    int err = weir_connect("svc.test:700", &s);
    int64_t ms = weir_between(began, weir_now()).ns / 1000000;

    assert_int_equal(err, expected);
    if (err == 0) {
        assert_string_equal(weir_stream_peer(s, text), winner);
        weir_stream_close(s);
    }
    return ms;
}

static const char both[] = "2001:db8::1 10.0.0.1", six[] = "[2001:db8::1]:700", four[] = "10.0.0.1:700";

static int eyeballs(void *arg)
{
    struct field f;
    int64_t ms;

    (void)arg;
    field_open(&f);
    set(both, 20, 10); /* IPv6 first: it is used at once */
    ms = expect(six, 0);
    assert_true(ms >= 10 && ms < 20);

    set(both, 10, 40); /* IPv4 first: it waits 50 ms for IPv6, which comes in time */
    ms = expect(six, 0);
    assert_true(ms >= 40 && ms < 50);

    set(both, 10, 500); /* … which does not */
    ms = expect(four, 0);
    assert_true(ms >= 60 && ms < 70);

    set(both, 10, 30000); /* … which never does: the look-up ends a second later */
    ms = expect(four, 0);
    assert_true(ms >= 60 && ms < 70);

    set("10.0.0.1", 10, 20); /* there is none: no longer than the answer says so */
    ms = expect(four, 0);
    assert_true(ms >= 20 && ms < 30);
    field_close(&f);
    return 0;
}

static void families_race_as_they_come(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(10); seed++)
        run_simulated(seed, eyeballs, NULL);
}

static int late_family(void *arg)
{
    struct field f;
    int64_t ms;

    (void)arg;
    field_open(&f);
    make(six, true);
    set(both, 100, 10); /* IPv6 is dead: IPv4 joins when it comes, 250 ms after the first attempt */
    ms = expect(four, 0);
    assert_true(ms >= 260 && ms < 270);

    make(six, false);
    set(both, 100, 10); /* IPv6 refuses before IPv4 has come: that begins when it comes */
    ms = expect(four, 0);
    assert_true(ms >= 100 && ms < 110);

    make(four, false);
    set(both, 100, 10); /* both refuse */
    ms = expect(NULL, -ECONNREFUSED);
    assert_true(ms >= 100 && ms < 110);
    field_close(&f);
    return 0;
}

static void the_other_family_joins_the_race(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(10); seed++)
        run_simulated(seed, late_family, NULL);
}

static int in_turn(void *arg)
{
    struct field f;

    (void)arg;
    field_open(&f);
    set("10.0.0.1 10.0.0.2", 1, 1);
    for (int i = 0; i < 4; i++)
        expect(hosts[1 + i % 2], 0);
    field_close(&f);
    return 0;
}

static void addresses_take_turns(void **state)
{
    (void)state;
    run_simulated(1, in_turn, NULL);
}

static int unknown(void *arg)
{
    struct weir__connect_note note;
    weir_stream *s;

    (void)arg;
    assert_int_equal(weir__connect_noting("none.test:1", 0, &s, &note), -WEIR_EDNS);
    assert_string_equal(note.why, "no such name");
    assert_false(note.is_resolving);
    return 0;
}

static void failures_are_told(void **state)
{
    (void)state;
    run_simulated(1, unknown, NULL);
}

/* --- cancelled at every wait --- */

static int victim(void *arg)
{
    weir_stream *s;
    int err = weir_connect(arg, &s);

    if (err == 0)
        weir_stream_close(s);
    return err;
}

static int world(struct torture *t)
{
    const weir_simulated_name n = {
        .name = "svc.test", .addresses = both, .latency_min = weir_ms(20), .latency_ipv6 = weir_ms(10)};
    bool is_simulated = strcmp(weir_loop_io(), "sim") == 0;
    weir_listener *l;
    char address[WEIR_ADDRESS_BYTES] = "svc.test:700";
    int result;

    assert_int_equal(weir_listen(is_simulated ? four : "127.0.0.1:0", &l), 0);
    if (is_simulated)
        assert_int_equal(weir_resolver_simulate(&n), 0);
    else
        (void)snprintf(address, sizeof address, "localhost%s", strrchr(weir_listener_address(l), ':'));
    result = torture_victim(t, victim, address);
    weir_listener_close(l);
    if (is_simulated)
        assert_int_equal(weir_sleep(weir_seconds(2)), 0); /* the other family may still be under way */
    return result;
}

static void a_cancel_leaves_nothing(void **state)
{
    (void)state;
    torture(world, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_race_as_they_come), cmocka_unit_test(the_other_family_joins_the_race),
        cmocka_unit_test(addresses_take_turns),       cmocka_unit_test(failures_are_told),
        cmocka_unit_test(a_cancel_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
