/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/random.h"
#include "base/wheel.h"

#define TICK_NS ((int64_t)1 << WEIR__WHEEL_TICK_BITS)
#define TIMERS 200

static struct weir__timer *timer_of(struct weir__list *node)
{
    return weir__container_of(node, struct weir__timer, node);
}

static size_t advance_and_drop(struct weir__wheel *w, int64_t now_ns)
{
    struct weir__list expired;
    size_t n = 0;

    weir__list_init(&expired);
    weir__wheel_advance(w, now_ns, &expired);
    while (weir__list_pop_front(&expired))
        n++;
    return n;
}

static void an_empty_wheel_waits_for_ever(void **state)
{
    struct weir__wheel w;

    (void)state;
    weir__wheel_init(&w, 12345678);
    assert_true(weir__wheel_next_ns(&w) == INT64_MAX);
    assert_int_equal(advance_and_drop(&w, INT64_MAX), 0);
}

/* At every distance the wheel can express, one timer alone: never early, at most one tick late. */
static void fires_on_time_at_every_distance(void **state)
{
    int64_t start;

    (void)state;
    start = 1000 * TICK_NS + 777;
    for (int bits = 0; bits < 62; bits++) {
        for (int64_t off = -1; off <= 1; off++) {
            struct weir__wheel w;
            struct weir__timer t;
            int64_t expires = start + ((int64_t)1 << bits) + off;
            int64_t last;
            weir__wheel_init(&w, start);
            weir__timer_init(&t);
            weir__wheel_set(&w, &t, expires);
            last = expires + TICK_NS - 1;
            assert_int_equal(advance_and_drop(&w, expires - 1), 0);
            assert_true(weir__timer_is_set(&t));
            assert_int_equal(advance_and_drop(&w, last), 1);
            assert_false(weir__timer_is_set(&t));
            assert_int_equal(w.count, 0);
        }
    }
}

/* Sleeping until next_ns each time reaches the timer exactly, in no more turns than there are levels. */
static void next_leads_to_the_timer_in_few_turns(void **state)
{
    struct weir__random r;

    (void)state;
    weir__random_seed(&r, 2);
    for (int i = 0; i < 5000; i++) {
        struct weir__wheel w;
        struct weir__timer t;
        int64_t now = (int64_t)weir__random_below(&r, (uint64_t)1 << weir__random_below(&r, 60));
        int64_t expires = now + (int64_t)weir__random_below(&r, (uint64_t)1 << weir__random_below(&r, 62));
        int turns = 0;
        weir__wheel_init(&w, now);
        weir__timer_init(&t);
        weir__wheel_set(&w, &t, expires);
        while (weir__timer_is_set(&t)) {
            int64_t next = weir__wheel_next_ns(&w);
            assert_true(next < expires + TICK_NS);
            assert_true(turns++ < WEIR__WHEEL_LEVELS + 1);
            now = next > now ? next : now;
            advance_and_drop(&w, now);
        }
        assert_true(now >= expires);
    }
}

static void cancelled_timers_do_not_fire(void **state)
{
    struct weir__wheel w;
    struct weir__timer t[3];

    (void)state;
    weir__wheel_init(&w, 0);
    for (int i = 0; i < 3; i++) {
        weir__timer_init(&t[i]);
        assert_false(weir__timer_is_set(&t[i]));
        weir__wheel_cancel(&w, &t[i]);
        weir__wheel_set(&w, &t[i], 10 * TICK_NS);
    }
    weir__wheel_cancel(&w, &t[1]);
    weir__wheel_cancel(&w, &t[1]);
    assert_false(weir__timer_is_set(&t[1]));
    assert_int_equal(w.count, 2);
    assert_int_equal(advance_and_drop(&w, 11 * TICK_NS), 2);
    assert_true(weir__wheel_next_ns(&w) == INT64_MAX);

    weir__wheel_set(&w, &t[0], 5000 * TICK_NS);
    weir__wheel_cancel(&w, &t[0]);
    assert_true(weir__wheel_next_ns(&w) == INT64_MAX);
}

static void setting_again_moves_a_timer(void **state)
{
    struct weir__wheel w;
    struct weir__timer t;

    (void)state;
    weir__wheel_init(&w, 0);
    weir__timer_init(&t);
    weir__wheel_set(&w, &t, 100 * TICK_NS);
    weir__wheel_set(&w, &t, 7 * TICK_NS);
    assert_int_equal(w.count, 1);
    assert_true(weir__wheel_next_ns(&w) == 7 * TICK_NS);
    weir__wheel_set(&w, &t, 100 * TICK_NS);
    assert_int_equal(advance_and_drop(&w, 99 * TICK_NS), 0);
    assert_int_equal(advance_and_drop(&w, 100 * TICK_NS), 1);
}

/* A handler may cancel or set again a timer that expired together with its own. */
static void an_expired_timer_can_still_be_cancelled_or_set(void **state)
{
    struct weir__wheel w;
    struct weir__timer t[3];
    struct weir__list expired;

    (void)state;
    weir__wheel_init(&w, 0);
    weir__list_init(&expired);
    for (int i = 0; i < 3; i++) {
        weir__timer_init(&t[i]);
        weir__wheel_set(&w, &t[i], TICK_NS);
    }
    weir__wheel_advance(&w, 2 * TICK_NS, &expired);
    assert_int_equal(w.count, 0);
    assert_ptr_equal(weir__list_pop_front(&expired), &t[0].node);
    weir__wheel_cancel(&w, &t[1]);
    weir__wheel_set(&w, &t[2], 5 * TICK_NS);
    assert_true(weir__list_is_empty(&expired));
    assert_int_equal(w.count, 1);
    assert_int_equal(advance_and_drop(&w, 5 * TICK_NS), 1);
    assert_int_equal(w.count, 0);
}

static void the_past_expires_at_the_next_advance(void **state)
{
    struct weir__wheel w;
    struct weir__timer t[3];
    const int64_t past[] = {5 * TICK_NS, -1, INT64_MIN};

    (void)state;
    weir__wheel_init(&w, 50 * TICK_NS);
    for (int i = 0; i < 3; i++) {
        weir__timer_init(&t[i]);
        weir__wheel_set(&w, &t[i], past[i]);
        assert_true(weir__wheel_next_ns(&w) <= 50 * TICK_NS);
    }
    /* Even if the clock seems to have gone back. */
    assert_int_equal(advance_and_drop(&w, 40 * TICK_NS), 3);
}

static void never_is_never(void **state)
{
    struct weir__wheel w;
    struct weir__timer t;

    (void)state;
    weir__wheel_init(&w, 0);
    weir__timer_init(&t);
    weir__wheel_set(&w, &t, INT64_MAX);
    assert_true(weir__wheel_next_ns(&w) == INT64_MAX);
    assert_int_equal(advance_and_drop(&w, INT64_MAX), 0);
    assert_true(weir__timer_is_set(&t));
    weir__wheel_cancel(&w, &t);
    assert_int_equal(w.count, 0);
}

static void one_tick_is_handed_out_in_order_of_expiry(void **state)
{
    struct weir__wheel w;
    static struct weir__timer t[1000];
    struct weir__list expired;
    struct weir__random r;
    struct weir__timer *last;
    size_t n;

    (void)state;
    weir__random_seed(&r, 3);
    weir__wheel_init(&w, 0);
    weir__list_init(&expired);
    for (int i = 0; i < 1000; i++) {
        weir__timer_init(&t[i]);
        weir__wheel_set(&w, &t[i], 9 * TICK_NS + 1 + (int64_t)weir__random_below(&r, 100));
    }
    weir__wheel_advance(&w, 10 * TICK_NS, &expired);
    last = timer_of(expired.next);
    n = 0;
    weir__list_each (pos, &expired) {
        struct weir__timer *now = timer_of(pos);
        assert_ptr_equal(pos->next->prev, pos);
        assert_true(now->expires_ns > last->expires_ns ||
                    (now->expires_ns == last->expires_ns && now >= last));
        last = now;
        n++;
    }
    assert_int_equal(n, 1000);
}

/* What the wheel should do, said plainly: an array that is searched. */
struct model {
    struct weir__wheel wheel;
    struct weir__timer timers[TIMERS];
    bool set[TIMERS];
    int64_t expires[TIMERS];
    uint64_t order[TIMERS]; /* of being set */
    uint64_t sets;
    int64_t now;
    struct weir__random random;
};

static bool model_is_due(const struct model *m, int i)
{
    int64_t tick = m->expires[i] < 0 ? 0 : m->expires[i] / TICK_NS + (m->expires[i] % TICK_NS > 0);

    return m->set[i] && tick <= m->now / TICK_NS;
}

static int model_next_due(const struct model *m)
{
    int best = -1;

    for (int i = 0; i < TIMERS; i++) {
        if (!model_is_due(m, i))
            continue;
        if (best < 0 || m->expires[i] < m->expires[best] ||
            (m->expires[i] == m->expires[best] && m->order[i] < m->order[best]))
            best = i;
    }
    return best;
}

/* From within a tick to centuries, each scale as likely; now and then in the past, or the same as another's.
 */
static int64_t some_instant(struct model *m)
{
    uint64_t kind = weir__random_below(&m->random, 10);
    int64_t distance = (int64_t)weir__random_below(&m->random, 1ULL << weir__random_below(&m->random, 56));

    if (kind == 0)
        return m->now - distance;
    if (kind == 1)
        return m->expires[weir__random_below(&m->random, TIMERS)];
    return m->now + distance;
}

static void step_set(struct model *m, size_t i)
{
    m->expires[i] = some_instant(m);
    m->set[i] = true;
    m->order[i] = m->sets++;
    weir__wheel_set(&m->wheel, &m->timers[i], m->expires[i]);
}

static void step_cancel(struct model *m, size_t i)
{
    m->set[i] = false;
    weir__wheel_cancel(&m->wheel, &m->timers[i]);
}

static void check_next(const struct model *m)
{
    int64_t next = weir__wheel_next_ns(&m->wheel);
    bool any = false;

    for (int i = 0; i < TIMERS; i++) {
        if (!m->set[i])
            continue;
        any = true;
        assert_true(next < m->expires[i] + TICK_NS || next <= m->now);
    }
    assert_true(any || next == INT64_MAX);
}

static void step_advance(struct model *m)
{
    struct weir__list expired;
    struct weir__list *node;
    int64_t next = weir__wheel_next_ns(&m->wheel);
    bool to_next = weir__random_below(&m->random, 2) && next != INT64_MAX;
    int64_t jump = (int64_t)weir__random_below(&m->random, 1ULL << weir__random_below(&m->random, 45));

    m->now = to_next ? (next > m->now ? next : m->now) : m->now + jump;
    weir__list_init(&expired);
    weir__wheel_advance(&m->wheel, m->now, &expired);
    while ((node = weir__list_pop_front(&expired))) {
        int wanted = model_next_due(m);
        assert_true(wanted >= 0);
        assert_ptr_equal(timer_of(node), &m->timers[wanted]);
        assert_true(m->expires[wanted] <= m->now);
        m->set[wanted] = false;
    }
    assert_int_equal(model_next_due(m), -1);
}

static void check_sets(const struct model *m)
{
    size_t n = 0;

    for (int i = 0; i < TIMERS; i++) {
        assert_int_equal(weir__timer_is_set(&m->timers[i]), m->set[i]);
        n += m->set[i];
    }
    assert_int_equal(m->wheel.count, n);
}

static void run_model(uint64_t seed)
{
    static struct model m;

    memset(&m, 0, sizeof m);
    weir__random_seed(&m.random, seed);
    m.now = (int64_t)weir__random_below(&m.random, 1ULL << weir__random_below(&m.random, 50));
    weir__wheel_init(&m.wheel, m.now);
    for (int i = 0; i < TIMERS; i++)
        weir__timer_init(&m.timers[i]);
    for (int step = 0; step < 2000 && m.now < INT64_MAX / 4; step++) {
        size_t i = weir__random_below(&m.random, TIMERS);
        uint64_t what = weir__random_below(&m.random, 10);
        if (what < 6)
            step_set(&m, i);
        else if (what < 8)
            step_cancel(&m, i);
        else
            step_advance(&m);
        check_next(&m);
        check_sets(&m);
    }
}

static void does_what_a_naive_model_does(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++)
        run_model(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_wheel_waits_for_ever),
        cmocka_unit_test(fires_on_time_at_every_distance),
        cmocka_unit_test(next_leads_to_the_timer_in_few_turns),
        cmocka_unit_test(cancelled_timers_do_not_fire),
        cmocka_unit_test(setting_again_moves_a_timer),
        cmocka_unit_test(an_expired_timer_can_still_be_cancelled_or_set),
        cmocka_unit_test(the_past_expires_at_the_next_advance),
        cmocka_unit_test(never_is_never),
        cmocka_unit_test(one_tick_is_handed_out_in_order_of_expiry),
        cmocka_unit_test(does_what_a_naive_model_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
