/* SPDX-License-Identifier: MIT */
/* Deadlines that change, and scopes that are closed as their block is left. */
#include <errno.h>

#include "support/run.h"

static bool is_near(weir_instant at, weir_instant expected)
{
    int64_t ns = weir_between(expected, at).ns;

    return ns > -1000000 && ns < 1000000;
}

/* --- the owner --- */

static int move_it(void *arg)
{
    weir_scope outer, scope, inner;
    weir_instant start = weir_now();

    (void)arg;
    weir_scope_open(&outer, weir_add(start, weir_ms(50)), WEIR_COLLECT);
    weir_scope_open(&scope, weir_add(start, weir_ms(20)), WEIR_COLLECT);
    weir_scope_open(&inner, weir_add(start, weir_ms(30)), WEIR_COLLECT);
    assert_true(is_near(weir_scope_deadline(&inner), weir_add(start, weir_ms(20))));

    /* Later: the inner scope's own comes into force. */
    assert_int_equal(weir_scope_set_deadline(&scope, weir_add(start, weir_ms(40))), 0);
    assert_true(is_near(weir_scope_deadline(&scope), weir_add(start, weir_ms(40))));
    assert_true(is_near(weir_scope_deadline(&inner), weir_add(start, weir_ms(30))));
    assert_int_equal(weir_sleep(weir_seconds(1)), -WEIR_EDEADLINE);
    assert_true(weir_scope_expired(&inner));
    assert_false(weir_scope_expired(&scope));
    assert_int_equal(weir_scope_close(&inner), -WEIR_EDEADLINE);

    /* None: the outer one counts. */
    assert_int_equal(weir_scope_set_deadline(&scope, weir_never()), 0);
    assert_true(is_near(weir_scope_deadline(&scope), weir_add(start, weir_ms(50))));
    assert_int_equal(weir_sleep(weir_seconds(1)), -WEIR_EDEADLINE);
    assert_true(weir_between(start, weir_now()).ns >= weir_ms(50).ns);
    assert_false(weir_scope_expired(&scope));
    assert_true(weir_scope_expired(&outer));
    assert_int_equal(weir_scope_set_deadline(&scope, weir_never()), -WEIR_EDEADLINE);
    assert_int_equal(weir_scope_close(&scope), -WEIR_EDEADLINE);
    assert_int_equal(weir_scope_close(&outer), -WEIR_EDEADLINE);
    return 0;
}

static void the_owner_sets_any_deadline(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(20); seed++)
        run_simulated(seed, move_it, NULL);
}

static int sleep_long(void *arg)
{
    int *result = arg;

    *result = weir_sleep(weir_seconds(3600));
    return *result;
}

static int pass_it(void *arg)
{
    weir_scope scope;
    int result = 0;

    (void)arg;
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    assert_int_equal(weir_spawn(&scope, "sleeper", sleep_long, &result), 0);
    assert_int_equal(weir_yield(), 0);
    assert_int_equal(weir_scope_set_deadline(&scope, weir_now()), 0);
    assert_true(weir_scope_expired(&scope));
    assert_int_equal(weir_scope_close(&scope), -WEIR_EDEADLINE);
    assert_int_equal(result, -WEIR_EDEADLINE);
    return 0;
}

static void an_instant_that_has_passed_cancels_at_once(void **state)
{
    (void)state;
    run_everywhere(pass_it, NULL);
}

/* --- other tasks --- */

static int tighten(void *arg)
{
    weir_scope *scope = arg;
    weir_instant now = weir_now();

    assert_int_equal(weir_scope_set_deadline(scope, weir_add(now, weir_seconds(20))), -EPERM);
    assert_int_equal(weir_scope_set_deadline(scope, weir_never()), -EPERM);
    assert_int_equal(weir_scope_set_deadline(scope, weir_add(now, weir_ms(5))), 0);
    return weir_sleep(weir_seconds(3600));
}

static int be_tightened(void *arg)
{
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_after_ms(10000), WEIR_COLLECT);
    assert_int_equal(weir_spawn(&scope, "other", tighten, &scope), 0);
    assert_int_equal(weir_scope_close(&scope), -WEIR_EDEADLINE);
    assert_true(weir_scope_expired(&scope));
    return 0;
}

static void other_tasks_only_tighten_it(void **state)
{
    (void)state;
    run_everywhere(be_tightened, NULL);
}

static int stretch_shield(void *arg)
{
    weir_scope shield;
    weir_instant start = weir_now();

    (void)arg;
    weir_scope_open(&shield, weir_after_ms(10), WEIR_SHIELD);
    assert_int_equal(weir_scope_set_deadline(&shield, weir_never()), 0);
    assert_true(weir_between(start, weir_scope_deadline(&shield)).ns <=
                weir_ms(WEIR_SHIELD_MAX_MS).ns + 1000000);
    assert_int_equal(weir_scope_close(&shield), 0);
    return 0;
}

static void a_shield_stays_short(void **state)
{
    (void)state;
    run_simulated(1, stretch_shield, NULL);
}

/* --- weir_scope_auto() --- */

static int leave_early(int *result, bool early)
{
    weir_scope_auto(scope, weir_never(), 0);

    assert_int_equal(weir_spawn(&scope, "sleeper", sleep_long, result), 0);
    assert_int_equal(weir_yield(), 0);
    if (early)
        return -EINVAL;
    assert_int_equal(weir_scope_set_deadline(&scope, weir_after_ms(2)), 0);
    return weir_scope_close(&scope);
}

static int use_auto(void *arg)
{
    int result = 0;

    (void)arg;
    assert_int_equal(leave_early(&result, true), -EINVAL);
    assert_int_equal(result, -WEIR_ECANCELED); /* it was waited for */
    assert_int_equal(leave_early(&result, false), -WEIR_EDEADLINE);
    assert_int_equal(result, -WEIR_EDEADLINE);
    for (int i = 0; i < 3; i++) {
        weir_scope_auto(each, weir_never(), 0);
        weir_scope_auto(inner, weir_never(), 0);
        assert_int_equal(weir_spawn(&inner, "sleeper", sleep_long, &result), 0);
        if (i == 1)
            break;
    }
    assert_int_equal(weir_cancelled(), 0);
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
    return 0;
}

static void a_block_that_is_left_closes_its_scopes(void **state)
{
    (void)state;
    run_everywhere(use_auto, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_owner_sets_any_deadline),
        cmocka_unit_test(an_instant_that_has_passed_cancels_at_once),
        cmocka_unit_test(other_tasks_only_tighten_it),
        cmocka_unit_test(a_shield_stays_short),
        cmocka_unit_test(a_block_that_is_left_closes_its_scopes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
