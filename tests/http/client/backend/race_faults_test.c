/* SPDX-License-Identifier: MIT */
/* Second attempts where something is in the way: no room, no budget, a deadline that is near, a breaker that
 * is not closed, a caller that gives up at any moment. */
#include "attempts_rig.h"

#include "io/sim/sim.h"
#include "support/torture.h"

static struct cluster cluster;

static const struct answer silent = {.then = HANGS}, good = {.text = ANSWER("b!")};

static void open_with(int instances, const weir_backend_options *options)
{
    cluster_open(&cluster, instances, serve_by_plan, options);
    fill_budget(&cluster);
}

static void close_all(void)
{
    until_at_rest(&cluster);
    cluster_close(&cluster);
}

static uint64_t denied(enum weir_attempt_denial why)
{
    return attempts_seen().denied[why];
}

static void with_seeds(int (*fn)(void *arg), uint64_t seeds)
{
    for (uint64_t seed = seed_first(); seed <= seed_last(seeds); seed++)
        run_simulated(seed, fn, NULL);
}

/* --- no room --- */

static int limited(void *arg)
{
    weir_backend_options options = hedging();
    struct asked asked;

    (void)arg;
    options.limit = 1;
    open_with(2, &options);
    plan[0] = (struct answer){.after_us = 35000, .text = ANSWER("a!")};
    plan[1] = good;
    asked = ask_for(&cluster, "GET");
    assert_string_equal(asked.body, "a!");
    assert_int_equal(asked.made.made, 1);
    assert_int_equal(came.attempts[1], 0);
    assert_int_equal(denied(WEIR_ATTEMPT_NO_ROOM),
                     2); /* asked for again once, when it has taken twice as long */
    close_all();
    return 0;
}

static void the_limit_counts_second_attempts(void **state)
{
    (void)state;
    with_seeds(limited, 5);
}

static int no_slot(void *arg)
{
    weir_backend_options options = hedging();
    struct asked asked;

    (void)arg;
    options.connections_max = 1;
    open_with(2, &options);
    plan[0] = (struct answer){.after_us = 15000, .text = ANSWER("a!")};
    plan[1] = good;
    asked = ask_for(&cluster, "GET");
    assert_string_equal(asked.body, "a!");
    assert_int_equal(came.attempts[1], 0);
    assert_int_equal(denied(WEIR_ATTEMPT_NO_ROOM), 1);
    assert_int_equal(see().stats.waiting, 0);
    close_all();
    return 0;
}

static void a_hedge_never_waits_for_a_connection(void **state)
{
    (void)state;
    with_seeds(no_slot, 5);
}

/* A hedge that there is no room for costs nothing of the budget. */
static int unpaid(void *arg)
{
    weir_backend_options options = hedging();
    double before;

    (void)arg;
    options.connections_max = 1;
    options.hedge.extra_percent = 50;
    open_with(2, &options);
    plan[0] = (struct answer){.after_us = 15000, .text = ANSWER("a!")};
    before = attempts_seen().budget;
    for (int i = 0; i < 10; i++)
        assert_int_equal(ask(&cluster, "/", NULL), 0);
    assert_int_equal(denied(WEIR_ATTEMPT_NO_ROOM), 10);
    assert_true(attempts_seen().budget > before + 4); /* of ten first attempts */
    close_all();
    return 0;
}

static void a_hedge_without_room_is_not_paid(void **state)
{
    (void)state;
    with_seeds(unpaid, 3);
}

static struct asked asked_aside;

static int ask_aside(void *arg)
{
    (void)arg;
    asked_aside = ask_for(&cluster, "GET");
    return 0;
}

static void leave_descriptors(bool none)
{
    struct weir__io *io = weir__loop_current()->io;
    struct weir__sim_options o = weir__sim_calm();

    o.files_max = none ? weir__sim_stats(io).open_files : 0;
    weir__sim_configure(io, &o);
}

static int no_descriptor(void *arg)
{
    weir_backend_options options = hedging();
    weir_scope scope;

    (void)arg;
    options.idle_timeout = weir_seconds(1);
    open_with(2, &options);
    assert_int_equal(weir_sleep(weir_seconds(3)), 0); /* no connection is kept */
    plan[0] = (struct answer){.after_us = 20000, .text = ANSWER("a!")};
    plan[1] = good;
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "asking", ask_aside, NULL), 0);
    while (came.attempts[0] == 0)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    leave_descriptors(true);
    assert_int_equal(weir_scope_close(&scope), 0);
    leave_descriptors(false);
    assert_int_equal(asked_aside.err, 0);
    assert_string_equal(asked_aside.body, "a!");
    assert_int_equal(asked_aside.made.made, 2);
    assert_int_equal(asked_aside.made.taken, 1);
    assert_int_equal(came.attempts[1], 0);
    assert_int_equal(attempts_seen().attempts[WEIR_ATTEMPT_HEDGE][WEIR_ATTEMPT_FAILED], 1);
    assert_int_equal(see().instances[0].failures + see().instances[1].failures, 0); /* it is not theirs */
    close_all();
    return 0;
}

static void a_hedge_without_a_descriptor_leaves_it_to_the_first(void **state)
{
    (void)state;
    with_seeds(no_descriptor, 5);
}

/* Waiting for a connection is not hedged: the time counts from there on. */
static int queued(void *arg)
{
    weir_backend_options options = hedging();
    struct asking a = {.cluster = &cluster}, b = {.cluster = &cluster};
    weir_scope scope;

    (void)arg;
    options.connections_max = 1;
    open_with(2, &options);
    plan[0] = (struct answer){.after_us = 9000, .text = ANSWER("a!")};
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "asking", ask_once, &a), 0);
    assert_int_equal(weir_spawn(&scope, "asking", ask_once, &b), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(denied(WEIR_ATTEMPT_NO_ROOM), 0);
    assert_int_equal(came.attempts[0], 2);
    close_all();
    return 0;
}

static void queueing_is_not_hedged(void **state)
{
    (void)state;
    with_seeds(queued, 5);
}

/* --- no budget, no time --- */

static int brownout(void *arg)
{
    weir_backend_options options = hedging();
    int hedged = 0;

    (void)arg;
    options.hedge.extra_percent = 5;
    cluster_open(&cluster, 2, serve_by_plan, &options);
    forget();
    plan[0] = (struct answer){.after_us = 30000, .text = ANSWER("a!")};
    plan[1] = (struct answer){.after_us = 30000, .text = ANSWER("b!")};
    for (int i = 0; i < 100; i++) {
        struct asked asked = ask_for(&cluster, "GET");
        assert_int_equal(asked.err, 0);
        hedged += asked.made.made - 1;
    }
    assert_in_range(hedged, 4, 8); /* one, then one in twenty */
    assert_int_equal(came.attempts[1], hedged);
    assert_true(denied(WEIR_ATTEMPT_NO_BUDGET) > 80);
    close_all();
    return 0;
}

static void when_all_is_slow_the_budget_holds(void **state)
{
    (void)state;
    with_seeds(brownout, 5);
}

static int too_late(void *arg)
{
    weir_backend_options options = hedging();
    struct asked asked;
    weir_scope scope;

    (void)arg;
    open_with(2, &options);
    plan[0] = (struct answer){.after_us = 5000, .text = ANSWER("a!")};
    for (int i = 0; i < 150; i++) /* the median is 5 ms then */
        assert_int_equal(ask(&cluster, "/", NULL), 0);
    plan[0] = silent;
    plan[1] = good;
    weir_scope_open(&scope, weir_after(weir_ms(14)), 0);
    asked = ask_for(&cluster, "GET");
    (void)weir_scope_close(&scope);
    assert_int_equal(asked.err, -WEIR_EDEADLINE);
    assert_int_equal(asked.made.made, 1);
    assert_int_equal(asked.made.taken, 0);
    assert_int_equal(denied(WEIR_ATTEMPT_TOO_LATE), 1);
    weir_scope_open(&scope, weir_after(weir_ms(30)), 0);
    asked = ask_for(&cluster, "GET");
    (void)weir_scope_close(&scope);
    assert_int_equal(asked.err, 0);
    assert_string_equal(asked.body, "b!");
    close_all();
    return 0;
}

static void a_deadline_that_is_near_forbids_a_hedge(void **state)
{
    (void)state;
    with_seeds(too_late, 3);
}

/* --- the breaker --- */

static int half_open(void *arg)
{
    weir_backend_options options = hedging();
    struct asked asked;

    (void)arg;
    options.breaker = (weir_backend_breaker){.failed_percent = 50, .of = 2, .open = weir_ms(100)};
    options.eject.after = -1;
    open_with(2, &options);
    assert_int_equal(weir_sleep(weir_seconds(20)), 0); /* what went well is forgotten */
    plan[0] = (struct answer){.text = FAILED("500")};
    (void)ask(&cluster, "/", NULL);
    (void)ask(&cluster, "/", NULL);
    assert_int_equal(ask(&cluster, "/", NULL), -WEIR_EOPEN);
    assert_int_equal(weir_sleep(weir_ms(120)), 0);
    plan[0] = (struct answer){.after_us = 15000, .text = ANSWER("a!")};
    plan[1] = good;
    asked = ask_for(&cluster, "GET"); /* to see how it is */
    assert_string_equal(asked.body, "a!");
    assert_int_equal(came.attempts[1], 0);
    assert_int_equal(denied(WEIR_ATTEMPT_OPEN), 1);
    assert_false(see().stats.open);
    close_all();
    return 0;
}

static void the_probe_of_a_breaker_is_not_hedged(void **state)
{
    (void)state;
    with_seeds(half_open, 3);
}

/* An attempt that lost has neither failed nor succeeded; one that failed has, whoever won. */
static int judged(void *arg)
{
    weir_backend_options options = hedging();

    (void)arg;
    options.eject.after = 3;
    open_with(2, &options);
    plan[0] = silent;
    plan[1] = good;
    for (int i = 0; i < 10; i++)
        assert_int_equal(ask(&cluster, "/", NULL), 0);
    assert_int_equal(see().instances[0].failures + see().instances[1].failures, 0);
    plan[0] = (struct answer){.after_us = 12000, .text = FAILED("500")};
    plan[1] = (struct answer){.after_us = 5000, .text = ANSWER("b!")};
    for (int i = 0; i < 2; i++)
        assert_int_equal(ask(&cluster, "/", NULL), 0);
    assert_int_equal(see().instances[0].failures + see().instances[1].failures, 2);
    assert_int_equal(attempts_seen().attempts[WEIR_ATTEMPT_FIRST][WEIR_ATTEMPT_LOST], 10);
    assert_int_equal(attempts_seen().attempts[WEIR_ATTEMPT_FIRST][WEIR_ATTEMPT_FAILED], 2);
    assert_int_equal(attempts_seen().attempts[WEIR_ATTEMPT_HEDGE][WEIR_ATTEMPT_ANSWERED], 12);
    close_all();
    return 0;
}

static void attempts_are_judged_one_by_one(void **state)
{
    (void)state;
    with_seeds(judged, 5);
}

/* --- what is learned --- */

static uint64_t samples(void)
{
    const struct weir__latency *l = &weir__backend_attempts(cluster.backend)->latency;

    return l->counts[0] + l->counts[1];
}

/* Asks within so long. Returns: how many samples that gave. */
static int samples_of(int64_t within_ms, struct answer first, struct answer second)
{
    uint64_t before = samples();
    weir_scope scope;

    plan[0] = first;
    plan[1] = second;
    weir_scope_open(&scope, weir_after(weir_ms(within_ms)), 0);
    (void)ask_for(&cluster, "GET");
    (void)weir_scope_close(&scope);
    until_at_rest(&cluster);
    return (int)(samples() - before);
}

/* A slow attempt that is cut short has taken at least as long as it had by then: it counts, unless that is
 * less than what is known already, which would teach that answers are quicker than they are. */
static int learned(void *arg)
{
    weir_backend_options options = hedging();
    uint64_t before;

    (void)arg;
    options.eject.after = -1;
    open_with(2, &options);
    plan[0] = (struct answer){.after_us = 8000, .text = ANSWER("a!")};
    for (int i = 0; i < 1000; i++) /* the 95th percentile is 8 ms then */
        assert_int_equal(ask(&cluster, "/", NULL), 0);
    fill_budget(&cluster);
    assert_int_equal(samples_of(1000, good, silent), 1);
    assert_int_equal(samples_of(1000, silent, good), 1); /* lost */
    assert_int_equal(samples_of(2, silent, silent), 0);  /* given up early */
    assert_int_equal(samples_of(20, silent, silent), 1); /* and late */
    assert_int_equal(samples_of(1000, (struct answer){.text = FAILED("503")}, silent), 1); /* it has a head */
    assert_int_equal(samples_of(1000, (struct answer){.then = CLOSES}, silent), 0);        /* it has failed */
    assert_int_equal(samples_of(1000, (struct answer){.after_us = 15000, .text = ANSWER("a!")},
                                (struct answer){.after_us = 9000, .text = ANSWER("b!")}),
                     1); /* of the hedge, that lost and lingered, there is none */
    before = samples();
    assert_int_equal(ask_for(&cluster, "POST").err, 0); /* it may have no second attempt */
    assert_int_equal(samples(), before);
    close_all();
    return 0;
}

static void what_is_cut_short_teaches_nothing_false(void **state)
{
    (void)state;
    with_seeds(learned, 3);
}

/* --- giving up at any moment --- */

/* Of a retry and of a hedge, whole and in pieces. */
static struct asked ask_as(int way)
{
    return way % 2 == 0 ? ask_for(&cluster, "GET") : ask_in_pieces(&cluster, (weir_fetch_options){0});
}

static int given_up(void *arg)
{
    static const struct answer plans[][2] = {
        {{.then = HANGS}, {.after_us = 3000, .text = OK_HEAD "b", .rest_after_us = 3000, .rest = "!"}},
        {{.after_us = 14000, .text = OK_HEAD "a", .rest_after_us = 3000, .rest = "!"}, {.then = HANGS}},
        {{.after_us = 12000, .text = FAILED("503")}, {.after_us = 5000, .text = ANSWER("b!")}},
        {{.after_us = 2000, .text = FAILED("502")},
         {.after_us = 5000, .text = OK_HEAD "b", .rest_after_us = 2000, .rest = "!"}},
        {{.after_us = 2000, .then = CLOSES}, {.after_us = 5000, .then = CLOSES}},
    };
    weir_backend_options options = hedging();

    (void)arg;
    options.retry = (weir_retry_options){.on = WEIR_RETRY_502 | WEIR_RETRY_RESET, .extra_percent = 100};
    options.eject.after = -1;
    open_with(2, &options);
    for (int64_t at_us = 0; at_us <= 20000; at_us += 250 + (int64_t)weir_random_below(500))
        for (int i = 0; i < 2 * (int)(sizeof plans / sizeof plans[0]); i++) {
            struct asked asked;
            weir_scope scope;
            plan[0] = plans[i / 2][0];
            plan[1] = plans[i / 2][1];
            weir_scope_open(&scope, weir_after(weir_us(at_us)), WEIR_COLLECT);
            asked = ask_as(i);
            (void)weir_scope_close(&scope);
            assert_true(asked.err == 0 || asked.err == -WEIR_EDEADLINE ||
                        (i / 2 == 4 && asked.err == -WEIR_ETRUNCATED));
            assert_true(asked.err < 0 || asked.status == 200 || asked.status == 502 || asked.status == 503);
            if (cluster.backend->lingering_count == 0)
                assert_at_rest(&cluster);
        }
    close_all();
    return 0;
}

static void a_caller_may_give_up_at_any_moment(void **state)
{
    (void)state;
    with_seeds(given_up, 10);
}

static int asks_hedged(void *arg)
{
    struct asked asked = ask_for(arg, "GET");

    return asked.err < 0 ? asked.err : 0;
}

static int asks_hedged_in_pieces(void *arg)
{
    struct asked asked = ask_in_pieces(arg, (weir_fetch_options){0});

    return asked.err < 0 ? asked.err : 0;
}

static int world(struct torture *t)
{
    weir_backend_options options = hedging();
    int result;

    options.hedge.after = options.hedge.floor = weir_ms(1);
    options.retry = (weir_retry_options){.on = WEIR_RETRY_502, .extra_percent = 100};
    options.eject.after = -1;
    open_with(2, &options);
    plan[0] = t->arg == asks_hedged ? silent : (struct answer){.text = FAILED("502")};
    plan[1] = (struct answer){.after_us = 100, .text = OK_HEAD "b", .rest_after_us = 100, .rest = "!"};
    result = torture_victim(t, t->arg == NULL ? asks_hedged_in_pieces : asks_hedged, &cluster);
    until_at_rest(&cluster);
    plan[0] = good;
    for (int i = 0; i < 4; i++)
        assert_int_equal(ask(&cluster, "/", NULL), 0);
    cluster_close(&cluster);
    return result;
}

static void every_wait_of_a_race_can_be_cancelled(void **state)
{
    (void)state;
    torture(world, (void *)(uintptr_t)asks_hedged);
    torture(world, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_counts_second_attempts),
        cmocka_unit_test(a_hedge_never_waits_for_a_connection),
        cmocka_unit_test(a_hedge_without_room_is_not_paid),
        cmocka_unit_test(a_hedge_without_a_descriptor_leaves_it_to_the_first),
        cmocka_unit_test(queueing_is_not_hedged),
        cmocka_unit_test(when_all_is_slow_the_budget_holds),
        cmocka_unit_test(a_deadline_that_is_near_forbids_a_hedge),
        cmocka_unit_test(the_probe_of_a_breaker_is_not_hedged),
        cmocka_unit_test(attempts_are_judged_one_by_one),
        cmocka_unit_test(what_is_cut_short_teaches_nothing_false),
        cmocka_unit_test(a_caller_may_give_up_at_any_moment),
        cmocka_unit_test(every_wait_of_a_race_can_be_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
