/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "support/run.h"
#include "support/torture.h"

/* --- pieces the tests are made of --- */

static int sleep_ms(void *arg)
{
    return weir_sleep(weir_ms(*(int *)arg));
}

static int sleep_for_ever(void *arg)
{
    int *seen = arg;
    int err = weir_sleep_until(weir_never());

    if (seen != NULL)
        *seen = err;
    return err;
}

struct late_failure {
    int after_ms, code;
};

static int fail_later(void *arg)
{
    struct late_failure *f = arg;
    int err = weir_sleep(weir_ms(f->after_ms));

    return err < 0 ? err : f->code;
}

/* --- a scope waits --- */

static int close_waits(void *arg)
{
    int ms[3] = {3, 1, 2};
    weir_instant before = weir_now();
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(weir_spawn(&scope, "sleeper", sleep_ms, &ms[i]), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_true(weir_between(before, weir_now()).ns >= weir_ms(3).ns);
    return 0;
}

static void closing_waits_for_all_tasks(void **state)
{
    (void)state;
    run_everywhere(close_waits, NULL);
}

static int empty(void *arg)
{
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_scope_cause(&scope), 0);
    assert_true(weir_is_never(weir_scope_deadline(&scope)));
    assert_false(weir_scope_expired(&scope));
    assert_int_equal(weir_scope_close(&scope), 0);
    return 0;
}

static void an_empty_scope_closes_at_once(void **state)
{
    (void)state;
    run_everywhere(empty, NULL);
}

/* --- deadlines --- */

static int deadline_cuts(void *arg)
{
    int seen = 0;
    weir_instant before = weir_now();
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_after_ms(5), 0);
    assert_int_equal(weir_scope_deadline(&scope).ns, weir_deadline().ns);
    weir_spawn(&scope, "stuck", sleep_for_ever, &seen);
    assert_int_equal(weir_sleep(weir_seconds(10)), -WEIR_EDEADLINE);
    assert_true(weir_between(before, weir_now()).ns >= weir_ms(5).ns);
    assert_int_equal(weir_yield(), -WEIR_EDEADLINE); /* and every further wait */
    assert_int_equal(weir_cancelled(), -WEIR_EDEADLINE);
    assert_int_equal(weir_scope_close(&scope), -WEIR_EDEADLINE);
    assert_true(weir_scope_expired(&scope));
    assert_int_equal(seen, -WEIR_EDEADLINE);
    assert_int_equal(weir_cancelled(), 0);
    return 0;
}

static void a_deadline_ends_every_wait(void **state)
{
    (void)state;
    run_everywhere(deadline_cuts, NULL);
}

static int which_fired(void *arg)
{
    weir_scope outer, inner;

    (void)arg;

    weir_scope_open(&outer, weir_after_ms(10), 0);
    weir_scope_open(&inner, weir_after_ms(3), 0);
    assert_int_equal(weir_sleep_until(weir_never()), -WEIR_EDEADLINE);
    assert_true(weir_scope_expired(&inner));
    assert_false(weir_scope_expired(&outer));
    assert_int_equal(weir_scope_close(&inner), -WEIR_EDEADLINE);
    assert_int_equal(weir_sleep(weir_ms(1)), 0); /* the outer one lives */

    weir_scope_open(&inner, weir_after_ms(1000), 0);
    assert_int_equal(weir_scope_deadline(&inner).ns, weir_scope_deadline(&outer).ns); /* only tightened */
    assert_int_equal(weir_sleep_until(weir_never()), -WEIR_EDEADLINE);
    assert_false(weir_scope_expired(&inner));
    assert_true(weir_scope_expired(&outer));
    assert_int_equal(weir_scope_cause(&inner), -WEIR_EDEADLINE);
    assert_int_equal(weir_scope_close(&inner), -WEIR_EDEADLINE);
    assert_int_equal(weir_scope_close(&outer), -WEIR_EDEADLINE);
    return 0;
}

static void it_is_known_whose_deadline_passed(void **state)
{
    (void)state;
    run_simulated(1, which_fired, NULL);
}

static int past_deadline(void *arg)
{
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_add(weir_now(), weir_ms(-1)), 0);
    assert_int_equal(weir_yield(), -WEIR_EDEADLINE);
    assert_true(weir_scope_expired(&scope));
    assert_int_equal(weir_spawn(&scope, "late", sleep_for_ever, NULL), -WEIR_EDEADLINE);
    assert_int_equal(weir_scope_close(&scope), -WEIR_EDEADLINE);

    weir_scope_open(&scope, (weir_instant){INT64_MIN}, 0);
    assert_int_equal(weir_sleep(weir_ms(0)), -WEIR_EDEADLINE);
    assert_int_equal(weir_scope_close(&scope), -WEIR_EDEADLINE);
    return 0;
}

static void a_deadline_in_the_past_fails_the_first_wait(void **state)
{
    (void)state;
    run_everywhere(past_deadline, NULL);
}

static int finished_in_time(void *arg)
{
    weir_scope scope;
    int ms = 1;

    (void)arg;

    weir_scope_open(&scope, weir_after_ms(2), 0);
    weir_spawn(&scope, "quick", sleep_ms, &ms);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_false(weir_scope_expired(&scope));
    assert_int_equal(weir_sleep(weir_ms(5)), 0); /* its timer is gone with it */
    return 0;
}

static void a_scope_that_closed_in_time_stays_so(void **state)
{
    (void)state;
    run_simulated(1, finished_in_time, NULL);
}

/* A wait and the deadline that end at one instant wake the task once. */
static int same_instant(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20; i++) {
        weir_instant at = weir_after(weir_us(100 + 7 * i));
        weir_scope scope;
        int err;
        weir_scope_open(&scope, at, 0);
        err = weir_sleep_until(weir_add(at, weir_us(i - 10)));
        assert_true(err == 0 || err == -WEIR_EDEADLINE);
        err = weir_scope_close(&scope);
        assert_true(err == 0 || err == -WEIR_EDEADLINE);
    }
    return 0;
}

static void a_sleep_and_a_deadline_may_end_together(void **state)
{
    (void)state;
    run_everywhere(same_instant, NULL);
}

/* --- cancel --- */

static int cancel_all(void *arg)
{
    int seen[3] = {0};
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 3; i++)
        weir_spawn(&scope, "stuck", sleep_for_ever, &seen[i]);
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
    weir_scope_cancel(&scope);
    weir_scope_cancel(&scope);
    assert_int_equal(weir_scope_cause(&scope), -WEIR_ECANCELED);
    assert_int_equal(weir_sleep(weir_ms(1)), -WEIR_ECANCELED); /* the caller is in it as well */
    assert_int_equal(weir_scope_close(&scope), -WEIR_ECANCELED);
    for (int i = 0; i < 3; i++)
        assert_int_equal(seen[i], -WEIR_ECANCELED);
    return 0;
}

static void a_cancel_reaches_everyone_in_the_scope(void **state)
{
    (void)state;
    run_everywhere(cancel_all, NULL);
}

static int ran(void *arg)
{
    *(bool *)arg = true;
    return 0;
}

static int spawn_when_cancelled(void *arg)
{
    bool has_run = false;
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_never(), 0);
    weir_scope_cancel(&scope);
    assert_int_equal(weir_spawn(&scope, "never", ran, &has_run), -WEIR_ECANCELED);
    assert_int_equal(weir_scope_close(&scope), -WEIR_ECANCELED);
    assert_false(has_run);

    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "first", ran, &has_run), 0);
    weir_scope_cancel(&scope); /* it was spawned before: it runs, and its waits fail */
    assert_int_equal(weir_scope_close(&scope), -WEIR_ECANCELED);
    assert_true(has_run);
    return 0;
}

static void nothing_starts_in_a_cancelled_scope(void **state)
{
    (void)state;
    run_simulated(1, spawn_when_cancelled, NULL);
}

struct nest {
    int depth;
    int seen;
};

static int nested(void *arg)
{
    struct nest *n = arg;
    struct nest below = {.depth = n->depth - 1};
    weir_scope scope;
    int err;

    weir_scope_open(&scope, weir_never(), 0);
    if (n->depth > 0)
        weir_spawn(&scope, "nested", nested, &below);
    n->seen = weir_sleep_until(weir_never());
    err = weir_scope_close(&scope);
    assert_int_equal(err, -WEIR_ECANCELED);
    if (n->depth > 0)
        assert_int_equal(below.seen, -WEIR_ECANCELED);
    return err;
}

static int cancel_nested(void *arg)
{
    struct nest n = {.depth = 20};
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "nested", nested, &n);
    for (int i = 0; i <= n.depth; i++)
        assert_int_equal(weir_yield(), 0);
    weir_scope_cancel(&scope);
    assert_int_equal(weir_scope_close(&scope), -WEIR_ECANCELED);
    assert_int_equal(n.seen, -WEIR_ECANCELED);
    return 0;
}

static void a_cancel_reaches_scopes_within(void **state)
{
    (void)state;
    run_everywhere(cancel_nested, NULL);
}

/* --- failures --- */

static int first_failure(void *arg)
{
    struct late_failure slow = {5, -EIO}, quick = {2, -EPIPE};
    weir_instant before = weir_now();
    int seen = 0;
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "slow", fail_later, &slow);
    weir_spawn(&scope, "quick", fail_later, &quick);
    weir_spawn(&scope, "stuck", sleep_for_ever, &seen);
    assert_int_equal(weir_sleep_until(weir_never()), -WEIR_ECANCELED);
    assert_int_equal(weir_scope_close(&scope), -EPIPE);
    assert_int_equal(seen, -WEIR_ECANCELED);
    assert_true(weir_between(before, weir_now()).ns < weir_ms(5).ns);
    return 0;
}

static void the_first_failure_cancels_the_siblings(void **state)
{
    (void)state;
    run_simulated(1, first_failure, NULL);
}

static int collect(void *arg)
{
    struct late_failure bad = {1, -EIO};
    int ms = 4;
    weir_instant before = weir_now();
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    weir_spawn(&scope, "bad", fail_later, &bad);
    weir_spawn(&scope, "good", sleep_ms, &ms);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_true(weir_between(before, weir_now()).ns >= weir_ms(4).ns);
    return 0;
}

static void collecting_lets_the_siblings_live(void **state)
{
    (void)state;
    run_everywhere(collect, NULL);
}

static int positive(void *arg)
{
    (void)arg;
    return 7;
}

static int positive_outcome(void *arg)
{
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "positive", positive, NULL);
    assert_int_equal(weir_scope_close(&scope), 0);
    return 0;
}

static void an_outcome_above_zero_is_no_failure(void **state)
{
    (void)state;
    run_simulated(1, positive_outcome, NULL);
}

/* --- shields --- */

static int shielded(void *arg)
{
    weir_scope outer, shield;

    (void)arg;

    weir_scope_open(&outer, weir_after_ms(2), 0);
    assert_int_equal(weir_sleep_until(weir_never()), -WEIR_EDEADLINE);
    weir_scope_open(&shield, weir_after_ms(4000), WEIR_SHIELD);
    assert_int_equal(weir_sleep(weir_ms(3)), 0); /* the goodbye is said in peace */
    assert_int_equal(weir_scope_close(&shield), 0);
    assert_int_equal(weir_yield(), -WEIR_EDEADLINE);
    assert_int_equal(weir_scope_close(&outer), -WEIR_EDEADLINE);
    return 0;
}

static void a_shield_holds_off_what_is_outside(void **state)
{
    (void)state;
    run_everywhere(shielded, NULL);
}

static int shield_ends(void *arg)
{
    weir_instant before = weir_now();
    weir_scope outer, shield;

    (void)arg;

    weir_scope_open(&outer, weir_never(), 0);
    weir_scope_cancel(&outer);
    weir_scope_open(&shield, weir_never(), WEIR_SHIELD);
    assert_int_equal(weir_sleep_until(weir_never()), -WEIR_ECANCELED); /* felt when the shield is over */
    assert_in_range(weir_between(before, weir_now()).ns, weir_ms(WEIR_SHIELD_MAX_MS).ns,
                    weir_ms(WEIR_SHIELD_MAX_MS + 1).ns);
    assert_int_equal(weir_scope_close(&shield), -WEIR_ECANCELED);

    weir_scope_open(&shield, weir_after_ms(10000), WEIR_SHIELD); /* asked for more than there is */
    assert_true(weir_between(weir_now(), weir_scope_deadline(&shield)).ns <= weir_ms(WEIR_SHIELD_MAX_MS).ns);
    weir_scope_cancel(&shield); /* a shield can be cancelled itself */
    assert_int_equal(weir_yield(), -WEIR_ECANCELED);
    assert_int_equal(weir_scope_close(&shield), -WEIR_ECANCELED);
    (void)weir_scope_close(&outer);
    return 0;
}

static void a_shield_is_short(void **state)
{
    (void)state;
    run_simulated(1, shield_ends, NULL);
}

static int goodbye(void *arg)
{
    weir_scope shield;
    int err = weir_sleep_until(weir_never());

    weir_scope_open(&shield, weir_after_ms(4000), WEIR_SHIELD);
    *(int *)arg = weir_sleep(weir_ms(2));
    (void)weir_scope_close(&shield);
    return err;
}

static int shield_cancelled_meanwhile(void *arg)
{
    int said = -1;
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_after_ms(1), 0);
    weir_spawn(&scope, "polite", goodbye, &said);
    assert_int_equal(weir_scope_close(&scope), -WEIR_EDEADLINE);
    assert_int_equal(said, 0);
    return 0;
}

static void a_cancelled_task_may_say_goodbye(void **state)
{
    (void)state;
    run_everywhere(shield_cancelled_meanwhile, NULL);
}

/* --- torture --- */

static int tortured(void *arg)
{
    int ms = 1;
    int closed;
    int err;
    weir_scope outer, inner;

    (void)arg;

    weir_scope_open(&outer, weir_after_ms(60000), 0);
    weir_spawn(&outer, "one", sleep_ms, &ms);
    weir_scope_open(&inner, weir_after_ms(50000), WEIR_COLLECT);
    weir_spawn(&inner, "two", sleep_ms, &ms);
    weir_spawn(&inner, "three", sleep_ms, &ms);
    err = weir_yield();
    closed = weir_scope_close(&inner);
    err = err < 0 ? err : closed;
    weir_scope_open(&inner, weir_after_ms(4000), WEIR_SHIELD);
    assert_int_equal(weir_yield(), 0); /* nothing but its own cancel reaches in here */
    assert_int_equal(weir_scope_close(&inner), 0);
    closed = weir_scope_close(&outer);
    return err < 0 ? err : closed;
}

static int tortured_world(struct torture *t)
{
    return torture_victim(t, tortured, NULL);
}

static void scopes_stand_torture(void **state)
{
    (void)state;
    assert_true(torture(tortured_world, NULL) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closing_waits_for_all_tasks),
        cmocka_unit_test(an_empty_scope_closes_at_once),
        cmocka_unit_test(a_deadline_ends_every_wait),
        cmocka_unit_test(it_is_known_whose_deadline_passed),
        cmocka_unit_test(a_deadline_in_the_past_fails_the_first_wait),
        cmocka_unit_test(a_scope_that_closed_in_time_stays_so),
        cmocka_unit_test(a_sleep_and_a_deadline_may_end_together),
        cmocka_unit_test(a_cancel_reaches_everyone_in_the_scope),
        cmocka_unit_test(nothing_starts_in_a_cancelled_scope),
        cmocka_unit_test(a_cancel_reaches_scopes_within),
        cmocka_unit_test(the_first_failure_cancels_the_siblings),
        cmocka_unit_test(collecting_lets_the_siblings_live),
        cmocka_unit_test(an_outcome_above_zero_is_no_failure),
        cmocka_unit_test(a_shield_holds_off_what_is_outside),
        cmocka_unit_test(a_shield_is_short),
        cmocka_unit_test(a_cancelled_task_may_say_goodbye),
        cmocka_unit_test(scopes_stand_torture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
