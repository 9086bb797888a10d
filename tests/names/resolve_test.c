/* SPDX-License-Identifier: MIT */
/* What a resolver knows and for how long, under simulation: TTLs, failures, old answers, tasks that wait
 * together and are cancelled. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/loop.h"
#include "names/expect_name.h"
#include "names/resolver.h"
#include "support/torture.h"

/* --- helpers --- */

static void set(const char *name, const char *addresses, weir_duration ttl)
{
    const weir_simulated_name n = {.name = name, .addresses = addresses, .ttl = ttl};

    assert_int_equal(weir_resolver_simulate(&n), 0);
}

static void set_answer(const char *name, enum weir_simulated_answer answer)
{
    const weir_simulated_name n = {.name = name, .answer = answer};

    assert_int_equal(weir_resolver_simulate(&n), 0);
}

static void pass(weir_duration d)
{
    assert_int_equal(weir_sleep(d), 0);
}

static void for_seeds(int (*fn)(void *arg))
{
    for (uint64_t seed = seed_first(); seed <= seed_last(20); seed++)
        run_simulated(seed, fn, NULL);
}

/* --- names with a dot at the end --- */

static int resolve_absolute(void *arg)
{
    (void)arg;
    set("svc.test", "10.0.0.1", weir_seconds(60));
    expect("svc.test.", "10.0.0.1");
    expect("SVC.test.", "10.0.0.1");
    expect("localhost.", "127.0.0.1 ::1");
    expect("a.localhost.", "127.0.0.1 ::1");
    expect("a.invalid.", "no such name");
    return 0;
}

static void absolute_names_are_looked_up_without_their_dot(void **state)
{
    (void)state;
    for_seeds(resolve_absolute);
}

/* --- times --- */

static int obey_ttl(void *arg)
{
    (void)arg;
    set("a.test", "10.0.0.1", weir_seconds(100));
    assert_true(expect("a.test", "10.0.0.1") >= 1);
    set("a.test", "10.0.0.2", weir_seconds(100));
    pass(weir_seconds(79)); /* in the first four fifths nobody asks */
    assert_int_equal(expect("a.test", "10.0.0.1"), 0);
    pass(weir_seconds(2)); /* then a use has it asked for, and does not wait */
    assert_int_equal(expect("a.test", "10.0.0.1"), 0);
    pass(weir_ms(10));
    assert_int_equal(expect("a.test", "10.0.0.2"), 0);
    set("a.test", "10.0.0.3", weir_seconds(100));
    pass(weir_seconds(101)); /* nobody has used it meanwhile: its time is over */
    assert_true(expect("a.test", "10.0.0.3") >= 1);
    return 0;
}

static void ttls_are_obeyed(void **state)
{
    (void)state;
    for_seeds(obey_ttl);
}

static int clamp_ttl(void *arg)
{
    (void)arg;
    set("zero.test", "10.0.0.1", weir_ms(1)); /* 0 s */
    expect("zero.test", "10.0.0.1");
    set("zero.test", "10.0.0.2", weir_ms(1));
    pass(weir_ms(700));
    assert_int_equal(expect("zero.test", "10.0.0.1"), 0);
    pass(weir_ms(400));
    assert_true(expect("zero.test", "10.0.0.2") >= 1);
    set("day.test", "10.0.0.1", weir_seconds(86400));
    expect("day.test", "10.0.0.1");
    set("day.test", "10.0.0.2", weir_seconds(86400));
    pass(weir_seconds(3601));
    assert_true(expect("day.test", "10.0.0.2") >= 1);
    return 0;
}

static void ttls_have_a_floor_and_a_ceiling(void **state)
{
    (void)state;
    for_seeds(clamp_ttl);
}

static int keep_negative(void *arg)
{
    (void)arg;
    assert_true(expect("new.test", "no such name") >= 1);
    set("new.test", "10.0.0.1", weir_seconds(60));
    pass(weir_seconds(40));
    assert_int_equal(expect("new.test", "no such name"), 0);
    pass(weir_seconds(21));
    expect("new.test", "10.0.0.1");
    set("new.test", NULL, weir_seconds(60)); /* it exists, without an address */
    pass(weir_seconds(61));
    expect("new.test", "the name has no address");
    return 0;
}

static void negative_answers_are_kept(void **state)
{
    (void)state;
    for_seeds(keep_negative);
}

/* --- servers that fail --- */

static const char servfail[] = "the simulated server answers SERVFAIL",
                  silence[] = "no answer from 127.0.0.1:53 within 4 s";

static int fail_for_a_moment(void *arg)
{
    (void)arg;
    set_answer("bad.test", WEIR_SIMULATED_FAILURE);
    set_answer("dead.test", WEIR_SIMULATED_SILENCE);
    assert_true(expect("bad.test", servfail) >= 1);
    assert_int_equal(expect("dead.test", silence), 4000);
    assert_int_equal(expect("dead.test", silence), 0); /* kept for a second */
    set("dead.test", "10.0.0.1", weir_seconds(60));
    pass(weir_ms(1100));
    expect("dead.test", "10.0.0.1");
    return 0;
}

static void failures_are_kept_for_a_moment(void **state)
{
    (void)state;
    for_seeds(fail_for_a_moment);
}

static int serve_stale(void *arg)
{
    const bool silent = *(const bool *)arg;
    weir_resolved r;

    set("a.test", "10.0.0.1", weir_seconds(10));
    expect("a.test", "10.0.0.1");
    set_answer("a.test", silent ? WEIR_SIMULATED_SILENCE : WEIR_SIMULATED_FAILURE);
    pass(weir_seconds(20));
    /* the first waits for news, but not for long; nobody else does, for an hour */
    assert_true(expect("a.test", "10.0.0.1") <= 500);
    pass(weir_seconds(4));
    for (int i = 0; i < 100; i++) {
        assert_int_equal(expect("a.test", "10.0.0.1"), 0);
        pass(weir_seconds(30));
    }
    assert_int_equal(weir_resolve("a.test", &r), 0);
    assert_true(r.stale);
    pass(weir_seconds(700));
    expect("a.test", silent ? silence : servfail);
    set("a.test", "10.0.0.2", weir_seconds(10));
    pass(weir_seconds(2));
    expect("a.test", "10.0.0.2");
    assert_int_equal(weir_resolve("a.test", &r), 0);
    assert_false(r.stale);
    return 0;
}

static void old_addresses_serve_while_servers_are_dead(void **state)
{
    static bool ways[] = {false, true};

    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(10); seed++)
        for (int i = 0; i < 2; i++)
            run_simulated(seed, serve_stale, &ways[i]);
}

static int recover(void *arg)
{
    (void)arg;
    set("a.test", "10.0.0.1", weir_seconds(10));
    expect("a.test", "10.0.0.1");
    set_answer("a.test", WEIR_SIMULATED_SILENCE);
    pass(weir_seconds(11));
    assert_int_equal(expect("a.test", "10.0.0.1"), 500);
    set("a.test", "10.0.0.2", weir_seconds(10));
    pass(weir_seconds(10)); /* the silent look-up ends, and 5 s later the next use asks */
    assert_int_equal(expect("a.test", "10.0.0.1"), 0);
    pass(weir_ms(10));
    assert_int_equal(expect("a.test", "10.0.0.2"), 0);
    return 0;
}

static void servers_that_are_back_are_believed(void **state)
{
    (void)state;
    for_seeds(recover);
}

static int gone(void *arg)
{
    (void)arg;
    set("a.test", "10.0.0.1", weir_seconds(10));
    expect("a.test", "10.0.0.1");
    set_answer("a.test", WEIR_SIMULATED_NO_NAME); /* which is no failure */
    pass(weir_seconds(11));
    expect("a.test", "no such name");
    return 0;
}

static void a_name_that_is_gone_is_gone(void **state)
{
    (void)state;
    for_seeds(gone);
}

/* --- several tasks --- */

struct crowd {
    int done, failed;
};

static int member(void *arg)
{
    struct crowd *c = arg;
    weir_resolved r;
    int err = weir_resolve("slow.test", &r);

    c->done += err == 0;
    c->failed += err < 0;
    return 0;
}

/* Some leave before the answer, at times of the seed; the others get it. The last test of each seed has all
 * leave, so that the answer would come after the cancel. */
static int leave(void *arg)
{
    enum { EACH = 5 };
    const weir_simulated_name slow = {.name = "slow.test",
                                      .addresses = "10.0.0.1 2001:db8::1",
                                      .latency_min = weir_ms(10),
                                      .latency_max = weir_ms(200)};
    const bool all_leave = *(const bool *)arg;
    const int64_t leave_ms = 1 + (int64_t)weir_random_below(250); /* at 0 no task could be spawned */
    struct crowd staying = {0}, leaving = {0};
    weir_scope stay, go;

    assert_int_equal(weir_resolver_simulate(&slow), 0);
    weir_scope_open(&stay, weir_never(), 0);
    weir_scope_open(&go, weir_after_ms(leave_ms), 0);
    for (int i = 0; i < EACH; i++) {
        if (!all_leave)
            assert_int_equal(weir_spawn(&stay, "staying", member, &staying), 0);
        assert_int_equal(weir_spawn(&go, "leaving", member, &leaving), 0);
    }
    (void)weir_scope_close(&go);
    (void)weir_scope_close(&stay);
    assert_int_equal(staying.done, all_leave ? 0 : EACH);
    assert_int_equal(leaving.done + leaving.failed, EACH);
    if (all_leave &&
        leave_ms < 10) /* no answer has come: the look-up is cancelled with the last that waited */
        assert_int_equal(weir__loop_current()->resolver->in_flight_count, 0);
    pass(weir_ms(300));
    expect("slow.test", "10.0.0.1 2001:db8::1");
    return 0;
}

static void who_leaves_takes_nothing_from_the_others(void **state)
{
    static bool ways[] = {false, true};

    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(40); seed++)
        for (int i = 0; i < 2; i++)
            run_simulated(seed, leave, &ways[i]);
}

/* --- the table --- */

enum { NAMES = 5000 }; /* more than the maximum; the simulation looks through all of them for each */

static int many(void *arg)
{
    weir_resolved *r = calloc(1, sizeof *r);
    char name[40];

    (void)arg;
    for (int i = 0; i < NAMES; i++) {
        (void)snprintf(name, sizeof name, "n%d.test", i);
        set(name, "10.0.0.1", weir_seconds(3600));
        assert_int_equal(weir_resolve(name, r), 0);
        assert_true(weir__loop_current()->resolver->table.count <= 4096);
    }
    assert_int_equal(expect(name, "10.0.0.1"), 0);   /* kept */
    assert_true(expect("n0.test", "10.0.0.1") >= 1); /* forgotten */
    free(r);
    return 0;
}

static void five_thousand_names_take_no_more_than_the_maximum(void **state)
{
    (void)state;
    run_simulated(1, many, NULL);
}

/* More tasks than names are kept, each waiting for its own. */
static int busy_member(void *arg)
{
    char name[40];
    weir_resolved r;

    (void)snprintf(name, sizeof name, "n%d.test", *(int *)arg);
    *(int *)arg = weir_resolve(name, &r);
    return 0;
}

static int overrun(void *arg)
{
    enum { TASKS = 200 };
    int results[TASKS], busy = 0, unknown = 0;
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < TASKS; i++) {
        results[i] = i;
        assert_int_equal(weir_spawn(&scope, "asking", busy_member, &results[i]), 0);
    }
    assert_int_equal(weir_scope_close(&scope), 0);
    for (int i = 0; i < TASKS; i++) {
        busy += results[i] == -WEIR_EBUSY;
        unknown += results[i] == -WEIR_EDNS;
    }
    assert_int_equal(busy, TASKS - 100);
    assert_int_equal(unknown, 100);
    return 0;
}

static void too_many_look_ups_are_refused(void **state)
{
    const weir_resolver_options resolver = {.cache_names = 100};
    const weir_options options = {.io = WEIR_IO_SIM, .resolver = &resolver};

    (void)state;
    assert_int_equal(weir_run(&options, overrun, NULL), 0);
}

/* --- following a name --- */

static int follow(void *arg)
{
    weir_resolved *known = calloc(1, sizeof *known);
    weir_instant began = weir_now();

    (void)arg;
    set("pods.test", "10.0.0.2 10.0.0.1", weir_seconds(5));
    assert_int_equal(weir_resolve("pods.test", known), 0);
    assert_string_equal(known->addresses[0], "10.0.0.1"); /* sorted */
    set("pods.test", "10.0.0.1 10.0.0.2 10.0.0.3", weir_seconds(5));
    assert_int_equal(weir_resolve_change("pods.test", known), 0);
    assert_int_equal(known->count, 3);
    assert_true(weir_between(began, weir_now()).ns <= INT64_C(6000000000));
    set_answer("pods.test", WEIR_SIMULATED_FAILURE); /* changes nothing */
    {
        weir_scope patience;
        weir_scope_open(&patience, weir_after_ms(60000), 0);
        assert_int_equal(weir_resolve_change("pods.test", known), -WEIR_EDEADLINE);
        (void)weir_scope_close(&patience);
    }
    assert_int_equal(known->count, 3);
    set_answer("pods.test", WEIR_SIMULATED_NO_NAME); /* does */
    assert_int_equal(weir_resolve_change("pods.test", known), -WEIR_EDNS);
    assert_int_equal(known->count, 0);
    assert_string_equal(known->why, "no such name");
    set("pods.test", "10.0.0.9", weir_seconds(5));
    assert_int_equal(weir_resolve_change("pods.test", known), 0);
    assert_string_equal(known->addresses[0], "10.0.0.9");
    free(known);
    return 0;
}

static void a_name_is_followed(void **state)
{
    (void)state;
    for_seeds(follow);
}

/* --- cancelled at every wait --- */

static int victim(void *arg)
{
    weir_resolved r;

    return weir_resolve(arg, &r);
}

static int world(struct torture *t)
{
    static const char name[] = "tortured.test";
    bool is_simulated = strcmp(weir_loop_io(), "sim") == 0;
    int err;

    if (is_simulated)
        set(name, "10.0.0.1 2001:db8::1", weir_seconds(60));
    err = torture_victim(t, victim, (void *)(uintptr_t)(is_simulated ? name : "localhost"));
    assert_true(weir__loop_current()->resolver == NULL ||
                weir__loop_current()->resolver->in_flight_count == 0);
    return err;
}

static void a_look_up_can_be_cancelled_anywhere(void **state)
{
    (void)state;
    torture(world, NULL);
}

/* --- mistakes --- */

static int wrong_options(void *arg)
{
    (void)arg;
    return 0;
}

static void options_are_checked(void **state)
{
    static const char *const wrong[] = {"", "a.test", "10.0.0.1:0", "10.0.0.1:99999", "::1:53", "unix:/x"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const weir_resolver_options resolver = {.servers = &wrong[i], .server_count = 1};
        const weir_options options = {.io = WEIR_IO_SIM, .resolver = &resolver};
        assert_int_equal(weir_resolver_server_check(wrong[i]), i == 4 ? 0 : -EINVAL); /* an IPv6 address */
        assert_int_equal(weir_run(&options, wrong_options, NULL), i == 4 ? 0 : -EINVAL);
    }
    assert_int_equal(weir_resolver_server_check("10.0.0.1"), 0);
    assert_int_equal(weir_resolver_server_check("[::1]:5300"), 0);
    for (int i = 0; i < 5; i++) {
        const weir_resolver_options resolver = {.attempts = i == 0   ? 11
                                                            : i == 1 ? -1
                                                                     : 0,
                                                .timeout = weir_ms(i == 2 ? -1 : 0),
                                                .cache_names = i == 3 ? -1 : 0,
                                                .reserved = {i == 4}};
        const weir_options options = {.io = WEIR_IO_SIM, .resolver = &resolver};
        assert_int_equal(weir_run(&options, wrong_options, NULL), -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absolute_names_are_looked_up_without_their_dot),
        cmocka_unit_test(ttls_are_obeyed),
        cmocka_unit_test(ttls_have_a_floor_and_a_ceiling),
        cmocka_unit_test(negative_answers_are_kept),
        cmocka_unit_test(failures_are_kept_for_a_moment),
        cmocka_unit_test(old_addresses_serve_while_servers_are_dead),
        cmocka_unit_test(servers_that_are_back_are_believed),
        cmocka_unit_test(a_name_that_is_gone_is_gone),
        cmocka_unit_test(who_leaves_takes_nothing_from_the_others),
        cmocka_unit_test(five_thousand_names_take_no_more_than_the_maximum),
        cmocka_unit_test(too_many_look_ups_are_refused),
        cmocka_unit_test(a_name_is_followed),
        cmocka_unit_test(a_look_up_can_be_cancelled_anywhere),
        cmocka_unit_test(options_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
