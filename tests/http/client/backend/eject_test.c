/* SPDX-License-Identifier: MIT */
/* Ejection of instances and their health: the states, without a network. */
#include "support/run.h"

#include "http/client/backend/eject.h"
#include "http/client/backend/health.h"

static const int64_t second_ns = 1000000000;
static const struct weir__eject_settings usual = {
    .after = 5, .period_ns = 10000000000, .at_most_percent = 50};
static const struct weir__health_settings checks = {.failed = 3, .good = 2};

static uint64_t failed(uint64_t state, int times, int64_t now_ns)
{
    while (times-- > 0)
        state = weir__eject_failed(state, &usual, now_ns, true);
    return state;
}

static void failures_in_a_row_eject(void **state)
{
    uint64_t s = failed(0, 4, second_ns);

    (void)state;
    assert_false(weir__eject_is_ejected(s));
    assert_true(weir__eject_is_due(s, &usual));
    s = failed(weir__eject_answered(s), 4, second_ns);
    assert_false(weir__eject_is_ejected(s));
    s = failed(s, 1, second_ns);
    assert_true(weir__eject_is_ejected(s));
    assert_int_equal(weir__eject_until(s), 11 * second_ns);
    assert_true(failed(s, 1, second_ns) == s); /* of requests that began before */
    assert_true(weir__eject_is_ejected(weir__eject_look(s, 11 * second_ns - 1)));
    assert_false(weir__eject_is_ejected(weir__eject_look(s, 11 * second_ns)));
}

static void one_that_may_not_go_goes_when_it_may(void **state)
{
    uint64_t s = 0;

    (void)state;
    for (int i = 0; i < 5000; i++)
        s = weir__eject_failed(s, &usual, second_ns, false);
    assert_false(weir__eject_is_ejected(s));
    assert_true(weir__eject_is_ejected(failed(s, 1, second_ns)));
}

static void it_takes_twice_as_long_each_time_up_to_five_minutes(void **state)
{
    static const int64_t expected[] = {10, 20, 40, 80, 160, 300, 300};
    uint64_t s = 0;
    int64_t now = second_ns;

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        s = failed(s, 5, now);
        assert_int_equal(weir__eject_until(s) - now, expected[i] * second_ns);
        now = weir__eject_until(s);
        s = weir__eject_look(s, now);
    }
    s = failed(s, 5, now + 2 * 10 * second_ns); /* two quiet periods make up for two of the seven */
    assert_int_equal(weir__eject_until(s) - (now + 20 * second_ns), 300 * second_ns);
    now = weir__eject_until(s);
    s = failed(weir__eject_look(s, now), 5, now + 600 * second_ns);
    assert_int_equal(weir__eject_until(s) - (now + 600 * second_ns), 10 * second_ns);
}

static void nothing_is_ejected_when_that_is_off(void **state)
{
    static const struct weir__eject_settings off = {
        .after = -1, .period_ns = 10000000000, .at_most_percent = 50};
    uint64_t s = 0;

    (void)state;
    for (int i = 0; i < 10000; i++)
        s = weir__eject_failed(s, &off, second_ns, true);
    assert_false(weir__eject_is_ejected(s));
}

static void at_most_so_many_are_ejected(void **state)
{
    static const struct weir__eject_settings few = {.at_most_percent = 10};

    (void)state;
    assert_int_equal(weir__eject_at_most(&usual, 1), 0);
    assert_int_equal(weir__eject_at_most(&usual, 2), 1);
    assert_int_equal(weir__eject_at_most(&usual, 3), 1);
    assert_int_equal(weir__eject_at_most(&usual, 7), 3);
    assert_int_equal(weir__eject_at_most(&few, 2), 1);
    assert_int_equal(weir__eject_at_most(&few, 20), 2);
}

static void checks_in_a_row_decide(void **state)
{
    static const bool good[] = {false, false, true, false, false, false, true, false, true, true};
    static const char expected[] = "uuuuudddd"
                                   "u";
    uint32_t s = 0;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        s = weir__health_checked(s, &checks, good[i]);
        assert_int_equal(weir__health_is_down(s) ? 'd' : 'u', expected[i]);
        assert_int_equal(weir__health_comes_back(s), i == 6 || i == 8);
    }
    assert_true(weir__health_is_good(200) && weir__health_is_good(302) && weir__health_is_good(399));
    assert_false(weir__health_is_good(404) || weir__health_is_good(503) || weir__health_is_good(101));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_in_a_row_eject),
        cmocka_unit_test(one_that_may_not_go_goes_when_it_may),
        cmocka_unit_test(it_takes_twice_as_long_each_time_up_to_five_minutes),
        cmocka_unit_test(nothing_is_ejected_when_that_is_off),
        cmocka_unit_test(at_most_so_many_are_ejected),
        cmocka_unit_test(checks_in_a_row_decide),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
