/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/random.h"

#define NS_PER_S 1000000000LL

static void monotonic_time_never_goes_back(void **state)
{
    int64_t before;

    (void)state;
    before = weir__clock_monotonic_ns();
    assert_true(before > 0);
    for (int i = 0; i < 10000; i++) {
        int64_t now = weir__clock_monotonic_ns();
        assert_true(now >= before);
        before = now;
    }
}

static void ticks_keep_the_time_of_the_monotonic_clock(void **state)
{
    int64_t took_ns, by_ticks_ns;
    uint64_t ticks;
    int64_t ns;

    (void)state;
    weir__clock_ticks_init();
    ticks = weir__clock_ticks();
    ns = weir__clock_monotonic_ns();
    while (weir__clock_monotonic_ns() < ns + 20000000) {
        uint64_t now = weir__clock_ticks();
        assert_true(now >= ticks);
    }
    /* The clocks are read one after the other, and the thread may be preempted between; the rate is exact to
     * 0.1 %. */
    took_ns = weir__clock_monotonic_ns() - ns;
    by_ticks_ns = weir__clock_ticks_ns(weir__clock_ticks() - ticks);
    assert_true(by_ticks_ns >= took_ns - took_ns / 1000);
    weir__clock_ticks_refine();
    assert_in_range(weir__clock_ticks_ns(weir__clock_ns_ticks(1000000000)), 999999990, 1000000000);
    assert_int_equal(weir__clock_ticks_ns(0), 0);
}

static void wall_time_is_that_of_the_system(void **state)
{
    struct timespec t;
    int64_t before;

    (void)state;
    before = weir__clock_wall_ns();
    clock_gettime(CLOCK_REALTIME, &t);
    assert_true(before / NS_PER_S <= t.tv_sec);
    assert_true(before / NS_PER_S >= t.tv_sec - 60);
}

static void known_moments_as_text(void **state)
{
    char text[WEIR__CLOCK_TEXT_MAX];

    (void)state;
    assert_int_equal(weir__clock_format_utc(text, 0), 24);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    weir__clock_format_utc(text, 951782399 * NS_PER_S + 999999999);
    assert_string_equal(text, "2000-02-28T23:59:59.999Z");
    weir__clock_format_utc(text, 951782400 * NS_PER_S);
    assert_string_equal(text, "2000-02-29T00:00:00.000Z");
    weir__clock_format_utc(text, -1);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
    weir__clock_format_utc(text, INT64_MAX);
    assert_string_equal(text, "2262-04-11T23:47:16.854Z");
}

static void local_time_is_shifted_across_midnight(void **state)
{
    char text[WEIR__CLOCK_TEXT_MAX];

    (void)state;
    assert_int_equal(weir__clock_format_time(text, 12 * NS_PER_S + 345678901, 0), 12);
    assert_string_equal(text, "00:00:12.345");
    weir__clock_format_time(text, 12 * NS_PER_S, -3600);
    assert_string_equal(text, "23:00:12.000");
    weir__clock_format_time(text, 23 * 3600 * NS_PER_S, 2 * 3600 + 1800);
    assert_string_equal(text, "01:30:00.000");
}

static void the_calendar_agrees_with_libc(void **state)
{
    struct weir__random r;

    (void)state;
    weir__random_seed(&r, 1);
    for (int i = 0; i < 100000; i++) {
        int64_t ns = (int64_t)weir__random_u64(&r);
        struct weir__civil c = weir__clock_civil(ns);
        time_t s = (time_t)(ns / NS_PER_S - (ns % NS_PER_S < 0));
        struct tm tm;
        assert_non_null(gmtime_r(&s, &tm));
        assert_int_equal(c.year, tm.tm_year + 1900);
        assert_int_equal(c.month, tm.tm_mon + 1);
        assert_int_equal(c.day, tm.tm_mday);
        assert_int_equal(c.weekday, tm.tm_wday);
        assert_int_equal(c.hour, tm.tm_hour);
        assert_int_equal(c.minute, tm.tm_min);
        assert_int_equal(c.second, tm.tm_sec);
        assert_in_range(c.ms, 0, 999);
        assert_int_equal(weir__clock_civil_s(&c), s);
    }
}

static void the_local_offset_is_that_of_the_zone(void **state)
{
    (void)state;
    setenv("TZ", "XYZ-3:30", 1);
    tzset();
    assert_int_equal(weir__clock_local_offset_s(0), 3 * 3600 + 1800);
    setenv("TZ", "UTC0", 1);
    tzset();
    assert_int_equal(weir__clock_local_offset_s(0), 0);
    unsetenv("TZ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_time_never_goes_back),
        cmocka_unit_test(ticks_keep_the_time_of_the_monotonic_clock),
        cmocka_unit_test(wall_time_is_that_of_the_system),
        cmocka_unit_test(known_moments_as_text),
        cmocka_unit_test(local_time_is_shifted_across_midnight),
        cmocka_unit_test(the_calendar_agrees_with_libc),
        cmocka_unit_test(the_local_offset_is_that_of_the_zone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
