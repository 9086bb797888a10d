/* SPDX-License-Identifier: MIT */
/* The rules of second attempts by themselves, with a model of pages that ask twelve services: what they gain
 * and what they cost. Events are instants of a timing wheel; nothing is sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wheel.h"
#include "http/client/attempts/attempts.h"
#include "support/one_thread.h"
#include "support/run.h"
#include "support/tail.h"

#define SECOND INT64_C(1000000000)

enum { SEEDS = 3, PER_SECOND = 200, WARM_S = 30, MEASURED_S = 100, DEADLINE_S = 10 };

struct call;
struct page;

struct attempt {
    struct weir__timer timer;
    struct call *call;
    bool
        sent; /* the timer is its end; before that, of a second attempt, the instant at which it is decided */
};

struct call {
    struct attempt first, second;
    struct page *page;
    struct weir__attempts *rules;
};

struct page {
    struct call calls[TAIL_CALLS];
    uint64_t number;
    int64_t began;
    int left;
};

struct model {
    uint64_t seed;
    weir_hedge_options hedge;
    double slower; /* how many times, from the end of the warm-up on */

    struct weir__random arrivals;
    struct weir__wheel wheel;
    int64_t now;
    struct weir__attempts_settings settings;
    struct weir__attempts_common common[TAIL_CALLS];
    struct weir__attempts rules[TAIL_CALLS];

    uint64_t begun; /* pages */

    /* since the warm-up */
    int64_t took[PER_SECOND * MEASURED_S * 2]; /* of pages */
    size_t pages;
    uint64_t firsts, seconds;
    double learned_ns; /* the percentile: a sum of so many */
    int learned;
};

static bool is_measured(const struct model *m)
{
    return m->now >= WARM_S * SECOND;
}

static void attempt_send(struct model *m, struct attempt *a)
{
    const struct call *c = a->call;
    int64_t delay =
        tail_delay_ns(m->seed, c->page->number, (int)(c - c->page->calls), a == &c->second ? 1 : 0);

    a->sent = true;
    weir__wheel_set(&m->wheel, &a->timer,
                    m->now + (int64_t)((double)delay * (is_measured(m) ? m->slower : 1)));
}

static void call_begin(struct model *m, struct page *page, int index)
{
    struct call *c = &page->calls[index];
    int64_t after;

    *c = (struct call){.page = page, .rules = &m->rules[index]};
    c->first.call = c->second.call = c;
    weir__timer_init(&c->first.timer);
    weir__timer_init(&c->second.timer);
    m->firsts += is_measured(m);
    weir__attempts_first(c->rules, m->now);
    attempt_send(m, &c->first);
    after = weir__attempts_hedge_after(c->rules, m->now);
    if (after > 0)
        weir__wheel_set(&m->wheel, &c->second.timer, m->now + after);
}

static void page_begin(struct model *m)
{
    struct page *page = malloc(sizeof *page);

    assert_non_null(page);
    page->number = m->begun++;
    page->began = m->now;
    page->left = TAIL_CALLS;
    for (int i = 0; i < TAIL_CALLS; i++)
        call_begin(m, page, i);
}

static void page_end(struct model *m, struct page *page)
{
    if (page->began >= WARM_S * SECOND)
        m->took[m->pages++] = m->now - page->began;
    free(page);
}

/* An attempt has been answered: the first has, or is given up. */
static void call_end(struct model *m, struct call *c, bool by_first)
{
    int64_t took = m->now - c->page->began;

    weir__wheel_cancel(&m->wheel, &c->first.timer);
    weir__wheel_cancel(&m->wheel, &c->second.timer);
    weir__attempts_took(c->rules, took, m->now);
    weir__attempts_ended(c->rules, WEIR_ATTEMPT_FIRST, by_first ? WEIR_ATTEMPT_ANSWERED : WEIR_ATTEMPT_LOST);
    if (c->second.sent)
        weir__attempts_ended(c->rules, WEIR_ATTEMPT_HEDGE,
                             by_first ? WEIR_ATTEMPT_LOST : WEIR_ATTEMPT_ANSWERED);
    if (--c->page->left == 0)
        page_end(m, c->page);
}

static void second_decide(struct model *m, struct attempt *second)
{
    int64_t left = second->call->page->began + DEADLINE_S * SECOND - m->now;
    enum weir_attempt_denial why;

    if (weir__attempts_pay(second->call->rules, WEIR_ATTEMPT_HEDGE, left, m->now, &why) < 0)
        return;
    m->seconds += is_measured(m);
    attempt_send(m, second);
}

static void expire(struct model *m, struct weir__list *expired)
{
    while (!weir__list_is_empty(expired)) {
        struct attempt *a = weir__container_of(expired->next, struct attempt, timer.node);

        weir__wheel_cancel(&m->wheel, &a->timer);
        if (a->sent)
            call_end(m, a->call, a == &a->call->first);
        else
            second_decide(m, a);
    }
}

static void run_until(struct model *m, int64_t end)
{
    while (m->now < end) {
        struct weir__list expired;
        int64_t next = weir__wheel_next_ns(&m->wheel);

        weir__list_init(&expired);
        m->now = next < end ? next : end;
        weir__wheel_advance(&m->wheel, m->now, &expired);
        expire(m, &expired);
    }
}

static void model_open(struct model *m)
{
    static const weir_retry_options no_retry;

    m->now = 0;
    weir__random_seed(&m->arrivals, m->seed);
    weir__wheel_init(&m->wheel, m->now);
    assert_int_equal(weir__attempts_settings_read(&m->settings, &m->hedge, &no_retry), 0);
    for (int i = 0; i < TAIL_CALLS; i++)
        weir__attempts_init(&m->rules[i], &m->settings, &m->common[i]);
}

/* What is in progress in the end has no bound, since delays have none: it is run to its end. */
static void model_close(struct model *m)
{
    while (m->wheel.count > 0)
        run_until(m, m->now + SECOND);
    for (int i = 0; i < TAIL_CALLS; i++)
        weir__attempts_end(&m->rules[i]);
}

static void look_at_percentiles(struct model *m)
{
    for (int i = 0; i < TAIL_CALLS; i++) {
        m->learned_ns += (double)weir__attempts_percentile(&m->rules[i], m->now);
        m->learned++;
    }
}

/* Pages come at random, as many as are due. */
static void model_run(struct model *m)
{
    int64_t next_look = WARM_S * SECOND;

    model_open(m);
    while (m->now < (WARM_S + MEASURED_S) * SECOND) {
        double gap = -log(1 - weir__random_double(&m->arrivals)) / PER_SECOND;

        run_until(m, m->now + (int64_t)(gap * (double)SECOND));
        page_begin(m);
        if (m->now >= next_look) {
            look_at_percentiles(m);
            next_look += 10 * SECOND;
        }
    }
    model_close(m);
}

/* --- what came of it --- */

struct figures {
    double p99_ms, more, learned_ms; /* more: second attempts for each first one */
};

/* The mean of all seeds, or of the one that runs. */
static struct figures figures_of(weir_hedge_options hedge, double slower)
{
    struct model *m = malloc(sizeof *m);
    struct figures sum = {0};
    double seeds = (double)seed_count(SEEDS);

    assert_non_null(m);
    for (uint64_t seed = seed_first(); seed <= seed_last(SEEDS); seed++) {
        memset(m, 0, sizeof *m);
        m->seed = seed;
        m->hedge = hedge;
        m->slower = slower;
        model_run(m);
        sum.p99_ms += (double)tail_quantile(m->took, m->pages, 0.99) / 1e6 / seeds;
        sum.more += (double)m->seconds / (double)m->firsts / seeds;
        sum.learned_ms += m->learned_ns / m->learned / 1e6 / seeds;
    }
    free(m);
    printf("# p99 %.1f ms, %.2f %% more, learned %.1f ms\n", sum.p99_ms, 100 * sum.more, sum.learned_ms);
    return sum;
}

static weir_hedge_options hedge_after(double percentile, double p95s)
{
    return (weir_hedge_options){.percentile = percentile, .after = {(int64_t)(p95s * (double)tail_p95_ns())}};
}

static void test_halves_the_tail_for_five_percent_more(void **state)
{
    struct figures off = figures_of((weir_hedge_options){0}, 1);
    struct figures on = figures_of(hedge_after(95, 0), 1);

    (void)state;
    assert_true(off.more == 0);
    assert_true(on.p99_ms <= 0.56 * off.p99_ms);
    assert_true(on.more <= 0.053);
    assert_true(on.more >= 0.04);
}

static void test_the_percentile_is_true_although_slow_attempts_are_given_up(void **state)
{
    struct figures on;

    (void)state;
    skip_under_tsan();
    on = figures_of(hedge_after(95, 0), 1);
    assert_true(fabs(on.learned_ms * 1e6 / (double)tail_p95_ns() - 1) < 0.05);
}

/* One that is too low costs nothing, because it rises as the budget empties. One that is too high costs, by
 * calculation, 5.2 %: the delay that S(t) S(t - after) = 0.01 / 12 holds for. */
static void test_a_threshold_that_is_wrong_by_15_percent_matters_little(void **state)
{
    struct figures right, low, high;

    (void)state;
    skip_under_tsan();
    right = figures_of(hedge_after(0, 1), 1);
    low = figures_of(hedge_after(0, 0.85), 1);
    high = figures_of(hedge_after(0, 1.15), 1);
    assert_true(fabs(low.p99_ms / right.p99_ms - 1) < 0.03);
    assert_true(fabs(high.p99_ms / right.p99_ms - 1) < 0.065);
    assert_true(low.more <= 0.053 && high.more <= right.more);
}

static void test_a_brownout_gets_no_more_than_the_budget(void **state)
{
    struct figures with, fixed;
    weir_hedge_options unbounded = hedge_after(0, 1);

    (void)state;
    skip_under_tsan();
    with = figures_of(hedge_after(95, 0), 3);
    fixed = figures_of(hedge_after(0, 1), 3);
    assert_true(with.more <= 0.055);
    assert_true(fixed.more <= 0.055);
    unbounded.extra_percent = 100; /* this is what the budget prevents */
    assert_true(figures_of(unbounded, 3).more > 0.3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_halves_the_tail_for_five_percent_more),
        cmocka_unit_test(test_the_percentile_is_true_although_slow_attempts_are_given_up),
        cmocka_unit_test(test_a_threshold_that_is_wrong_by_15_percent_matters_little),
        cmocka_unit_test(test_a_brownout_gets_no_more_than_the_budget),
    };

    return cmocka_run_group_tests_name("attempts model", tests, NULL, NULL);
}
