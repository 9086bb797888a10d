/* SPDX-License-Identifier: MIT */
/* The rules of second attempts: when, whether, what forbids them; and objects that share them. */
#include "support/run.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <weir/attempts.h>

#include "http/client/attempts/attempts.h"
#include "support/mistake.h"

static const int64_t MS_NS = 1000000, SECOND_NS = 1000000000, START_NS = INT64_C(1000) * 1000000000;
static const weir_hedge_options hedge_p95 = {.percentile = 95};
static const weir_retry_options no_retry, retry_all = {.on = 31};

/* --- options --- */

static int read_options(weir_hedge_options hedge, weir_retry_options retry)
{
    struct weir__attempts_settings settings;

    return weir__attempts_settings_read(&settings, &hedge, &retry);
}

static void options_have_defaults(void **state)
{
    struct weir__attempts_settings s;

    (void)state;
    assert_int_equal(weir__attempts_settings_read(&s, &hedge_p95, &no_retry), 0);
    assert_int_equal(s.hedge.floor.ns, 2 * MS_NS);
    assert_true(s.budget.extra == 0.05);
    assert_true(weir__attempts_hedges(&s));
    assert_int_equal(weir__attempts_settings_read(&s, &(weir_hedge_options){0},
                                                  &(weir_retry_options){.on = WEIR_RETRY_502}),
                     0);
    assert_int_equal(s.retry.times, 1);
    assert_true(s.budget.extra == 0.1);
    assert_false(weir__attempts_hedges(&s));
    assert_true(weir__attempts_is_on(&s));
    assert_int_equal(weir__attempts_settings_read(&s, &(weir_hedge_options){0}, &no_retry), 0);
    assert_false(weir__attempts_is_on(&s));
    assert_true(s.budget.extra == 0);
}

static void the_larger_extra_counts_and_never_the_sum(void **state)
{
    struct weir__attempts_settings s;

    (void)state;
    assert_int_equal(weir__attempts_settings_read(&s, &hedge_p95, &retry_all), 0);
    assert_true(s.budget.extra == 0.1);
    assert_int_equal(weir__attempts_settings_read(
                         &s, &(weir_hedge_options){.percentile = 95, .extra_percent = 20}, &retry_all),
                     0);
    assert_true(s.budget.extra == 0.2);
    assert_int_equal(weir__attempts_settings_read(&s, &(weir_hedge_options){.extra_percent = 20}, &retry_all),
                     0);
    assert_true(s.budget.extra == 0.1); /* there is no hedging */
}

static void a_time_below_the_usual_floor_is_meant(void **state)
{
    struct weir__attempts_settings s;

    (void)state;
    assert_int_equal(weir__attempts_settings_read(&s, &(weir_hedge_options){.after = {MS_NS}}, &no_retry), 0);
    assert_int_equal(s.hedge.floor.ns, MS_NS);
}

static void wrong_options_are_refused(void **state)
{
    static const weir_hedge_options hedges[] = {
        {.percentile = 50},
        {.percentile = 100},
        {.percentile = 101},
        {.percentile = -95},
        {.percentile = NAN},
        {.percentile = INFINITY},
        {.percentile = 95, .after = {1}},
        {.after = {-1}},
        {.after = {INT64_MAX}},
        {.percentile = 95, .floor = {-1}},
        {.percentile = 95, .extra_percent = -1},
        {.percentile = 95, .extra_percent = 100.5},
        {.percentile = 95, .extra_percent = NAN},
    };
    static const weir_retry_options retries[] = {
        {.on = 32},
        {.on = 1u << 31},
        {.on = 1, .times = 4},
        {.on = 1, .times = -1},
        {.on = 1, .extra_percent = -1},
        {.on = 1, .extra_percent = 101},
        {.on = 1, .extra_percent = NAN},
    };

    (void)state;
    assert_int_equal(read_options((weir_hedge_options){.percentile = 50.1, .extra_percent = 100},
                                  (weir_retry_options){.on = 31, .times = 3}),
                     0);
    assert_int_equal(read_options((weir_hedge_options){.percentile = 99.99}, no_retry), 0);
    for (size_t i = 0; i < sizeof hedges / sizeof hedges[0]; i++)
        assert_int_equal(read_options(hedges[i], no_retry), -EINVAL);
    for (size_t i = 0; i < sizeof retries / sizeof retries[0]; i++)
        assert_int_equal(read_options((weir_hedge_options){0}, retries[i]), -EINVAL);
}

/* --- when and whether, with instants of their own --- */

struct rules {
    struct weir__attempts_settings settings;
    struct weir__attempts_common common;
    struct weir__attempts of_loop;
    int64_t now_ns;
};

static void begin(struct rules *r, weir_hedge_options hedge, weir_retry_options retry)
{
    *r = (struct rules){.now_ns = START_NS};
    assert_int_equal(weir__attempts_settings_read(&r->settings, &hedge, &retry), 0);
    weir__attempts_init(&r->of_loop, &r->settings, &r->common);
}

/* 1, 2 … 100 ms, so often. */
static void learn(struct rules *r, int times)
{
    for (int i = 0; i < 100 * times; i++) {
        weir__attempts_first(&r->of_loop, r->now_ns);
        weir__attempts_took(&r->of_loop, (i % 100 + 1) * MS_NS, r->now_ns);
    }
}

static double after_ms(struct rules *r)
{
    return (double)weir__attempts_hedge_after(&r->of_loop, r->now_ns) / 1e6;
}

static int pay(struct rules *r, enum weir_attempt_kind kind, int64_t left_ns)
{
    enum weir_attempt_denial why = WEIR_ATTEMPT_DENIALS;
    const int err = weir__attempts_pay(&r->of_loop, kind, left_ns, r->now_ns, &why);

    assert_true(err == 0 || err == -WEIR_EBUSY);
    return err == 0 ? -1 : (int)why;
}

static void near(double is, double wanted)
{
    assert_true(is > wanted * 0.97 && is < wanted * 1.03);
}

static void a_percentile_is_learned_and_bounded_by_the_floor(void **state)
{
    struct rules r;

    (void)state;
    begin(&r, hedge_p95, no_retry);
    assert_true(after_ms(&r) == 0);
    learn(&r, 1);
    near(after_ms(&r), 95);
    weir__attempts_end(&r.of_loop);
    begin(&r, (weir_hedge_options){.percentile = 95, .floor = {200 * MS_NS}}, no_retry);
    assert_true(after_ms(&r) == 0);
    learn(&r, 1);
    near(after_ms(&r), 200);
    weir__attempts_end(&r.of_loop);
}

static void a_fixed_time_needs_not_be_learned(void **state)
{
    struct rules r;

    (void)state;
    begin(&r, (weir_hedge_options){.after = {40 * MS_NS}}, no_retry);
    near(after_ms(&r), 40);
    weir__attempts_end(&r.of_loop);
}

static void without_hedging_there_is_no_threshold_but_a_percentile(void **state)
{
    struct rules r;

    (void)state;
    begin(&r, (weir_hedge_options){0}, retry_all);
    learn(&r, 1);
    assert_true(after_ms(&r) == 0);
    near((double)weir__attempts_percentile(&r.of_loop, r.now_ns) / 1e6, 95);
    near((double)weir__attempts_median(&r.of_loop, r.now_ns) / 1e6, 50);
    assert_int_equal(pay(&r, WEIR_ATTEMPT_HEDGE, SECOND_NS), WEIR_ATTEMPT_NO_BUDGET);
    assert_int_equal(pay(&r, WEIR_ATTEMPT_RETRY, SECOND_NS), -1);
    weir__attempts_end(&r.of_loop);
}

static void the_threshold_rises_with_the_want_of_budget(void **state)
{
    struct rules r;
    double last = 95;

    (void)state;
    begin(&r, hedge_p95, no_retry);
    learn(&r, 20); /* the bucket has 100 */
    near(after_ms(&r), 95);
    for (int i = 0; i < 45; i++)
        assert_int_equal(pay(&r, WEIR_ATTEMPT_HEDGE, SECOND_NS), -1);
    near(after_ms(&r), 95);
    for (int i = 0; i < 30; i++)
        assert_int_equal(pay(&r, WEIR_ATTEMPT_HEDGE, SECOND_NS), -1);
    near(after_ms(&r), 95 * 1.3); /* a quarter is left */
    while (pay(&r, WEIR_ATTEMPT_HEDGE, SECOND_NS) < 0) {
        assert_true(after_ms(&r) >= last);
        last = after_ms(&r);
    }
    near(after_ms(&r), 95 * 1.6);
    learn(&r, 20);
    near(after_ms(&r), 95);
    weir__attempts_end(&r.of_loop);
}

static void a_floor_rises_too(void **state)
{
    struct rules r;

    (void)state;
    begin(&r, (weir_hedge_options){.after = {MS_NS}, .floor = {10 * MS_NS}}, no_retry);
    while (pay(&r, WEIR_ATTEMPT_HEDGE, SECOND_NS) < 0)
        ;
    near(after_ms(&r), 16);
    weir__attempts_end(&r.of_loop);
}

static void what_forbids_it_is_told_and_counted(void **state)
{
    struct rules r;
    weir_attempts_stats stats;

    (void)state;
    begin(&r, hedge_p95, retry_all);
    learn(&r, 1); /* median 50 ms */
    assert_int_equal(pay(&r, WEIR_ATTEMPT_HEDGE, 45 * MS_NS), WEIR_ATTEMPT_TOO_LATE);
    assert_int_equal(pay(&r, WEIR_ATTEMPT_RETRY, 0), WEIR_ATTEMPT_TOO_LATE);
    assert_int_equal(pay(&r, WEIR_ATTEMPT_RETRY, -5), WEIR_ATTEMPT_TOO_LATE);
    assert_int_equal(pay(&r, WEIR_ATTEMPT_HEDGE, 60 * MS_NS), -1);
    while (pay(&r, WEIR_ATTEMPT_RETRY, INT64_MAX) < 0)
        ;
    assert_int_equal(pay(&r, WEIR_ATTEMPT_HEDGE, INT64_MAX), WEIR_ATTEMPT_NO_BUDGET);
    learn(&r, 1);
    weir__attempts_pushback(&r.of_loop, SECOND_NS, r.now_ns);
    assert_int_equal(pay(&r, WEIR_ATTEMPT_HEDGE, INT64_MAX), WEIR_ATTEMPT_PUSHBACK);
    weir__attempts_deny(&r.of_loop, WEIR_ATTEMPT_NO_ROOM);
    weir__attempts_read(&r.common, &r.settings, r.now_ns, &stats);
    assert_int_equal(stats.denied[WEIR_ATTEMPT_TOO_LATE], 3);
    assert_int_equal(stats.denied[WEIR_ATTEMPT_NO_BUDGET], 2);
    assert_int_equal(stats.denied[WEIR_ATTEMPT_PUSHBACK], 1);
    assert_int_equal(stats.denied[WEIR_ATTEMPT_NO_ROOM], 1);
    assert_int_equal(stats.denied[WEIR_ATTEMPT_OPEN], 0);
    assert_int_equal(weir__attempts_pay(&r.of_loop, WEIR_ATTEMPT_HEDGE, INT64_MAX, r.now_ns, NULL),
                     -WEIR_EBUSY);
    weir__attempts_end(&r.of_loop);
}

/* A denial that is no matter of the budget costs none. */
static void what_is_denied_is_not_paid(void **state)
{
    struct rules r;
    weir_attempts_stats before, after;

    (void)state;
    begin(&r, hedge_p95, no_retry);
    learn(&r, 1);
    weir__attempts_read(&r.common, &r.settings, r.now_ns, &before);
    (void)pay(&r, WEIR_ATTEMPT_HEDGE, 1);
    weir__attempts_pushback(&r.of_loop, SECOND_NS, r.now_ns);
    (void)pay(&r, WEIR_ATTEMPT_HEDGE, INT64_MAX);
    weir__attempts_read(&r.common, &r.settings, r.now_ns, &after);
    assert_true(before.budget == after.budget);
    weir__attempts_end(&r.of_loop);
}

/* Until when there are none, in seconds from now. */
static void pushed_back_for(struct rules *r, int64_t seconds)
{
    const int64_t now_ns = r->now_ns;

    r->now_ns = now_ns + seconds * SECOND_NS - 1;
    assert_int_equal(pay(r, WEIR_ATTEMPT_RETRY, INT64_MAX), WEIR_ATTEMPT_PUSHBACK);
    r->now_ns = now_ns + seconds * SECOND_NS;
    assert_int_not_equal(pay(r, WEIR_ATTEMPT_RETRY, INT64_MAX), WEIR_ATTEMPT_PUSHBACK);
    r->now_ns = now_ns;
}

static void push(struct rules *r, int64_t seconds)
{
    weir__attempts_pushback(&r->of_loop, seconds * SECOND_NS, r->now_ns);
}

static void pushback_lasts_as_long_as_was_asked_for(void **state)
{
    struct rules r;

    (void)state;
    begin(&r, (weir_hedge_options){0}, retry_all);
    push(&r, 0);
    push(&r, -3);
    assert_int_equal(pay(&r, WEIR_ATTEMPT_RETRY, INT64_MAX), -1);
    push(&r, 30);
    pushed_back_for(&r, 30);
    push(&r, 10); /* never shortened */
    pushed_back_for(&r, 30);
    push(&r, 40);
    pushed_back_for(&r, 40);
    weir__attempts_pushback(&r.of_loop, INT64_MAX, r.now_ns);
    pushed_back_for(&r, 600);
    weir__attempts_end(&r.of_loop);
}

static void pushback_does_not_outlive_a_clock_that_jumps_back(void **state)
{
    struct rules r;

    (void)state;
    begin(&r, (weir_hedge_options){0}, retry_all);
    push(&r, 30);
    r.now_ns -= 900 * SECOND_NS;
    assert_int_equal(pay(&r, WEIR_ATTEMPT_RETRY, INT64_MAX), -1); /* the one that it begins with */
    push(&r, 2);
    r.now_ns += SECOND_NS;
    assert_int_equal(pay(&r, WEIR_ATTEMPT_RETRY, INT64_MAX), WEIR_ATTEMPT_PUSHBACK);
    r.now_ns += SECOND_NS;
    assert_int_equal(pay(&r, WEIR_ATTEMPT_RETRY, INT64_MAX), -1);
    weir__attempts_end(&r.of_loop);
}

static void what_hedges_have_saved_is_reckoned(void **state)
{
    struct rules r;
    weir_attempts_stats stats;

    (void)state;
    begin(&r, hedge_p95, no_retry);
    learn(&r, 10);
    weir__attempts_beaten(&r.of_loop, 80 * MS_NS);
    weir__attempts_beaten(&r.of_loop, 500 * MS_NS); /* nothing ever took that long */
    weir__attempts_read(&r.common, &r.settings, r.now_ns, &stats);
    assert_in_range(stats.hedge_saved.ns, 10 * MS_NS, 12 * MS_NS); /* of 81 … 100, or 82 … */
    weir__attempts_end(&r.of_loop);
}

/* --- objects --- */

static const weir_attempts_options orders = {.name = "orders",
                                             .hedge = {.after = {5000000}, .extra_percent = 50},
                                             .retry = {.on = WEIR_RETRY_CONNECT}};

static weir_attempts *open_as(const weir_attempts_options *options)
{
    weir_attempts *attempts;

    assert_int_equal(weir_attempts_open(options, &attempts), 0);
    return attempts;
}

struct seen {
    int count;
    weir_attempts_stats last;
    char name[32];
};

static void see_one(void *arg, const weir_attempts_stats *stats)
{
    struct seen *seen = arg;

    seen->count++;
    seen->last = *stats;
    (void)strncpy(seen->name, stats->name, sizeof seen->name - 1);
}

static struct seen see(void)
{
    struct seen seen = {0};

    weir_attempts_each(weir_runtime_here(), see_one, &seen);
    return seen;
}

static int pay_all(weir_attempts *attempts)
{
    int paid = 0;

    while (weir_attempts_pay(attempts, WEIR_ATTEMPT_HEDGE, weir_seconds(10), NULL) == 0)
        paid++;
    return paid;
}

static int open_several(void *arg)
{
    weir_attempts_options other = orders, stock = orders;
    weir_attempts *a, *b, *c, *refused;
    struct seen seen;

    (void)arg;
    other.hedge.extra_percent = 49;
    stock.name = "stock";
    a = open_as(&orders);
    b = open_as(&orders);
    c = open_as(&stock);
    assert_int_equal(weir_attempts_open(&other, &refused), -WEIR_ECONFIG);
    for (int i = 0; i < 20; i++)
        weir_attempts_first(a);
    assert_int_equal(pay_all(b), 10); /* the cap is what the last ten seconds added */
    assert_int_equal(pay_all(a), 0);
    assert_int_equal(pay_all(c), 1);
    weir_attempts_pushback(a, weir_seconds(2));
    weir_attempts_first(c);
    assert_int_equal(weir_attempts_pay(b, WEIR_ATTEMPT_RETRY, weir_seconds(10), NULL), -WEIR_EBUSY);
    weir_attempts_ended(a, WEIR_ATTEMPT_FIRST, WEIR_ATTEMPT_LOST);
    weir_attempts_ended(b, WEIR_ATTEMPT_HEDGE, WEIR_ATTEMPT_ANSWERED);
    weir_attempts_close(c);
    weir_attempts_close(NULL);
    assert_int_equal(weir_attempts_hedge_after(a).ns, 8000000); /* the bucket is empty */
    seen = see();
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.name, "orders");
    assert_int_equal(seen.last.attempts[WEIR_ATTEMPT_FIRST][WEIR_ATTEMPT_LOST], 1);
    assert_int_equal(seen.last.attempts[WEIR_ATTEMPT_HEDGE][WEIR_ATTEMPT_ANSWERED], 1);
    assert_int_equal(seen.last.denied[WEIR_ATTEMPT_PUSHBACK], 1);
    assert_int_equal(seen.last.hedge_after.ns, 8000000);
    assert_int_equal(seen.last.shared_id, 0);
    weir_attempts_close(a);
    weir_attempts_close(b);
    assert_int_equal(see().count, 0);
    a = open_as(&other); /* the name is free again */
    weir_attempts_close(a);
    return 0;
}

static void objects_of_one_name_share_their_rules(void **state)
{
    (void)state;
    run_simulated(1, open_several, NULL);
}

static int refuse(void *arg)
{
    weir_attempts_options wrong[] = {orders, orders, orders, orders};
    weir_attempts *attempts;

    (void)arg;
    wrong[0].name = NULL;
    wrong[1].name = "";
    wrong[2].reserved[31] = 1;
    wrong[3].hedge.percentile = 95; /* and a time */
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(weir_attempts_open(&wrong[i], &attempts), -EINVAL);
    assert_int_equal(see().count, 0);
    return 0;
}

static void wrong_options_open_nothing(void **state)
{
    (void)state;
    run_simulated(1, refuse, NULL);
}

static int leave_open(void *arg)
{
    (void)arg;
    (void)open_as(&orders);
    return 0;
}

static void what_is_left_open_is_freed(void **state)
{
    (void)state;
    run_simulated(1, leave_open, NULL);
}

/* --- loops --- */

static atomic_int paid;

static int use_on_loop(void *arg)
{
    weir_attempts *attempts = open_as(&orders);

    (void)arg;
    for (int i = 0; i < 2000; i++) {
        weir_attempts_first(attempts);
        if (weir_attempts_pay(attempts, WEIR_ATTEMPT_HEDGE, weir_seconds(10), NULL) == 0)
            atomic_fetch_add(&paid, 1);
        weir_attempts_ended(attempts, WEIR_ATTEMPT_FIRST, WEIR_ATTEMPT_ANSWERED);
        (void)weir_yield();
    }
    (void)weir_attempts_hedge_after(attempts);
    weir_attempts_close(attempts);
    return 0;
}

static int call_other_loop(void *arg)
{
    return weir_loop_call(1, "loop", use_on_loop, arg);
}

static int use_on_two_loops(void *arg)
{
    weir_attempts *attempts = open_as(&orders);
    const weir_instant began = weir_now();
    weir_scope scope;
    double most;

    atomic_store(&paid, 0);
    weir_scope_open(&scope, weir_never(), 0);
    (void)weir_spawn(&scope, "there", call_other_loop, arg);
    (void)weir_spawn(&scope, "here", use_on_loop, arg);
    assert_int_equal(weir_scope_close(&scope), 0);
    most = fmax(0.5 * 4000, (double)(weir_now().ns - began.ns) / 1e9);
    assert_true(atomic_load(&paid) <= 1 + most);
    assert_true(atomic_load(&paid) >= 0.5 * 4000 * 0.98);
    assert_int_equal(see().last.attempts[WEIR_ATTEMPT_FIRST][WEIR_ATTEMPT_ANSWERED], 4000);
    weir_attempts_close(attempts);
    return 0;
}

static void loops_share_the_budget(void **state)
{
    (void)state;
    assert_int_equal(weir_run(&(weir_options){.loops = 2, .io = WEIR_IO_EPOLL}, use_on_two_loops, NULL), 0);
}

/* --- names, mistakes --- */

static void names_are_labels(void **state)
{
    (void)state;
    assert_string_equal(weir_attempt_kind_name(WEIR_ATTEMPT_FIRST), "first");
    assert_string_equal(weir_attempt_kind_name(WEIR_ATTEMPT_RETRY), "retry");
    assert_string_equal(weir_attempt_kind_name(WEIR_ATTEMPT_HEDGE), "hedge");
    assert_string_equal(weir_attempt_outcome_name(WEIR_ATTEMPT_ANSWERED), "ok");
    assert_string_equal(weir_attempt_outcome_name(WEIR_ATTEMPT_FAILED), "failed");
    assert_string_equal(weir_attempt_outcome_name(WEIR_ATTEMPT_LOST), "lost");
    assert_string_equal(weir_attempt_outcome_name(WEIR_ATTEMPT_CANCELLED), "cancelled");
    assert_string_equal(weir_attempt_denial_name(WEIR_ATTEMPT_NO_BUDGET), "budget");
    assert_string_equal(weir_attempt_denial_name(WEIR_ATTEMPT_PUSHBACK), "pushback");
    assert_string_equal(weir_attempt_denial_name(WEIR_ATTEMPT_TOO_LATE), "deadline");
    assert_string_equal(weir_attempt_denial_name(WEIR_ATTEMPT_OPEN), "open");
    assert_string_equal(weir_attempt_denial_name(WEIR_ATTEMPT_NO_ROOM), "busy");
    assert_non_null(weir_attempt_kind_name((enum weir_attempt_kind)99));
    assert_non_null(weir_attempt_outcome_name((enum weir_attempt_outcome)99));
    assert_non_null(weir_attempt_denial_name((enum weir_attempt_denial)99));
}

static weir_attempts *of_loop_0;

static int begin_there(void *arg)
{
    (void)arg;
    weir_attempts_first(of_loop_0);
    return 0;
}

static int use_on_another_loop(void *arg)
{
    of_loop_0 = open_as(&orders);
    return weir_loop_call(1, "there", begin_there, arg);
}

static int pay_for_a_first(void *arg)
{
    (void)arg;
    return weir_attempts_pay(open_as(&orders), WEIR_ATTEMPT_FIRST, weir_seconds(1), NULL);
}

static int use_closed(void *arg)
{
    weir_attempts *attempts = open_as(&orders);

    (void)arg;
    weir_attempts_close(attempts);
    weir_attempts_first(attempts);
    return 0;
}

static void mistakes_are_caught(void **state)
{
    const struct mistake mistakes[] = {
        {use_on_another_loop, {"weir_attempts_first() "}, .loops = 2, .is_real = true},
        {pay_for_a_first, {"weir_attempts_pay() for a first attempt", "weir_attempts_first()"}, 0, false},
        {use_closed, {"weir_attempts_first() "}, 0, false},
    };

    (void)state;
    assert_caught(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_have_defaults),
        cmocka_unit_test(the_larger_extra_counts_and_never_the_sum),
        cmocka_unit_test(a_time_below_the_usual_floor_is_meant),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(a_percentile_is_learned_and_bounded_by_the_floor),
        cmocka_unit_test(a_fixed_time_needs_not_be_learned),
        cmocka_unit_test(without_hedging_there_is_no_threshold_but_a_percentile),
        cmocka_unit_test(the_threshold_rises_with_the_want_of_budget),
        cmocka_unit_test(a_floor_rises_too),
        cmocka_unit_test(what_forbids_it_is_told_and_counted),
        cmocka_unit_test(what_is_denied_is_not_paid),
        cmocka_unit_test(pushback_lasts_as_long_as_was_asked_for),
        cmocka_unit_test(pushback_does_not_outlive_a_clock_that_jumps_back),
        cmocka_unit_test(what_hedges_have_saved_is_reckoned),
        cmocka_unit_test(objects_of_one_name_share_their_rules),
        cmocka_unit_test(wrong_options_open_nothing),
        cmocka_unit_test(what_is_left_open_is_freed),
        cmocka_unit_test(loops_share_the_budget),
        cmocka_unit_test(names_are_labels),
        cmocka_unit_test(mistakes_are_caught),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
