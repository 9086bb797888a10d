/* SPDX-License-Identifier: MIT */
/* Retry-After in all its forms, and what is none. */
#include "support/run.h"

#include <errno.h>

#include <weir/attempts.h>
#include <weir/http_text.h>

#include "base/random.h"
#include "http/message/date.h"

static const int64_t NOW = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT */

static int64_t seconds_of(const char *value)
{
    weir_duration period = {-1};

    assert_int_equal(weir_retry_after_parse(value, NOW, &period), 0);
    assert_int_equal(period.ns % 1000000000, 0);
    return period.ns / 1000000000;
}

static void seconds_are_read(void **state)
{
    (void)state;
    assert_int_equal(seconds_of("0"), 0);
    assert_int_equal(seconds_of("1"), 1);
    assert_int_equal(seconds_of("007"), 7);
    assert_int_equal(seconds_of("120"), 120);
    assert_int_equal(seconds_of(" 120 "), 120);
    assert_int_equal(seconds_of("\t120\t "), 120);
}

static void huge_numbers_are_long_and_never_negative(void **state)
{
    (void)state;
    assert_true(seconds_of("4294967297") > 600);
    assert_true(seconds_of("9223372036854775807") > 600);
    assert_true(seconds_of("9223372036854775808") > 600);
    assert_true(seconds_of("18446744073709551617") > 600);
    assert_true(seconds_of("99999999999999999999999999999999999999999999") > 600);
    assert_int_equal(seconds_of("00000000000000000000000000000000000000000001"), 1);
}

static void dates_are_read_in_their_three_forms(void **state)
{
    (void)state;
    assert_int_equal(seconds_of("Sun, 06 Nov 1994 08:50:37 GMT"), 60);
    assert_int_equal(seconds_of("Sunday, 06-Nov-94 08:50:37 GMT"), 60);
    assert_int_equal(seconds_of("Sun Nov  6 08:50:37 1994"), 60);
    assert_int_equal(seconds_of("  Mon Nov 14 08:49:37 1994 "), 8 * 86400);
    assert_int_equal(seconds_of("Monday, 07-Nov-94 08:49:37 GMT"), 86400);
}

static void a_date_that_has_passed_is_no_time(void **state)
{
    (void)state;
    assert_int_equal(seconds_of("Sun, 06 Nov 1994 08:49:37 GMT"), 0);
    assert_int_equal(seconds_of("Sun, 06 Nov 1994 08:49:36 GMT"), 0);
    assert_int_equal(seconds_of("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
    assert_int_equal(seconds_of("Sunday, 06-Nov-94 08:49:36 GMT"), 0);
    assert_int_equal(seconds_of("Sun Nov  6 08:49:36 1994"), 0);
}

/* RFC 9110, 5.6.7: more than 50 years ahead is the past. */
static void two_digits_of_a_year_mean_the_nearest_one(void **state)
{
    weir_duration period;
    int64_t date;

    (void)state;
    assert_int_equal(weir_http_date_parse(weir_bytes_of("Saturday, 01-Jan-00 00:00:00 GMT"), NOW, &date), 0);
    assert_int_equal(date, 946684800); /* 2000 */
    assert_int_equal(weir_http_date_parse(weir_bytes_of("Saturday, 06-Nov-44 00:00:00 GMT"), NOW, &date),
                     -WEIR_EPROTOCOL); /* that of 2044 is a Sunday */
    assert_int_equal(weir_http_date_parse(weir_bytes_of("Sunday, 06-Nov-44 00:00:00 GMT"), NOW, &date), 0);
    assert_true(date > NOW);
    assert_int_equal(weir_http_date_parse(weir_bytes_of("Monday, 06-Nov-45 00:00:00 GMT"), NOW, &date),
                     -WEIR_EPROTOCOL); /* 2045 would be 51 years ahead: it is 1945, a Tuesday */
    assert_int_equal(weir_http_date_parse(weir_bytes_of("Tuesday, 06-Nov-45 00:00:00 GMT"), NOW, &date), 0);
    assert_true(date < 0);
    assert_int_equal(weir_retry_after_parse("Monday, 30-Nov-26 12:00:00 GMT", 1796039990, &period), 0);
    assert_int_equal(period.ns, INT64_C(10) * 1000000000);
}

static void clocks_of_any_time_do_no_harm(void **state)
{
    static const int64_t clocks[] = {INT64_MIN, INT64_MIN + 1, -1, 0, INT64_C(1) << 40, INT64_MAX};
    static const char *const values[] = {"60",
                                         "Sun, 06 Nov 1994 08:50:37 GMT",
                                         "Sunday, 06-Nov-94 08:50:37 GMT",
                                         "Sun Nov  6 08:50:37 1994",
                                         "Sat, 01 Jan 0000 00:00:00 GMT",
                                         "Fri, 31 Dec 9999 23:59:59 GMT"};

    (void)state;
    for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++)
        for (size_t j = 0; j < sizeof values / sizeof values[0]; j++) {
            weir_duration period = {0};
            if (weir_retry_after_parse(values[j], clocks[i], &period) == 0)
                assert_true(period.ns >= 0);
        }
}

static void what_is_neither_is_refused(void **state)
{
    static const char *const values[] = {
        "",
        " ",
        "-1",
        "-0",
        "+1",
        "1.5",
        "1e3",
        "0x10",
        "12 3",
        "1,2",
        "60s",
        "soon",
        "NaN",
        "\xd9\xa1", /* an Arabic digit */
        "1\x01",
        "Sun, 06 Nov 1994 08:50:37",
        "Sun, 06 Nov 1994 08:50:37 UTC",
        "Sun, 6 Nov 1994 08:50:37 GMT",
        "Mon, 06 Nov 1994 08:50:37 GMT",
        "Sun, 31 Nov 1994 08:50:37 GMT",
        "Sun, 06 Nov 1994 24:50:37 GMT",
        "sun, 06 nov 1994 08:50:37 gmt",
        "Sunday, 06-Nov-1994 08:50:37 GMT",
        "Sunday, 6-Nov-94 08:50:37 GMT",
        "Sunday, 06 Nov 94 08:50:37 GMT",
        "Sundae, 06-Nov-94 08:50:37 GMT",
        "Monday, 06-Nov-94 08:50:37 GMT",
        "Sunday, 06-Nov-xx 08:50:37 GMT",
        "Sunday, 06-Nov-94 08:50:37 CET",
        "Sunday",
        "Sun Nov 6 08:50:37 1994",
        "Sun Nov  6 08:50:37 94",
        "Sun Nov 36 08:50:37 1994",
        "Sun Nov  0 08:50:37 1994",
        "Sun Nov  6 08:50:3719941",
        "Sun, Nov 6 08:50:37 1994",
        "2026-11-30T12:00:00Z",
    };

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        weir_duration period = {-7};
        assert_int_equal(weir_retry_after_parse(values[i], NOW, &period), -EINVAL);
        assert_int_equal(period.ns, -7);
    }
}

static void garbage_is_read_without_harm(void **state)
{
    static const char pieces[] = "0123456789 ,:-SunNovGMTday\t\xff\x01";

    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(20); seed++) {
        struct weir__random random;
        weir__random_seed(&random, seed);
        for (int i = 0; i < 2000; i++) {
            char value[48];
            weir_duration period = {0};
            const size_t len = weir__random_below(&random, sizeof value);
            for (size_t at = 0; at < len; at++)
                value[at] = pieces[weir__random_below(&random, sizeof pieces - 1)];
            value[len] = '\0';
            if (weir_retry_after_parse(value, NOW, &period) == 0)
                assert_true(period.ns >= 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seconds_are_read),
        cmocka_unit_test(huge_numbers_are_long_and_never_negative),
        cmocka_unit_test(dates_are_read_in_their_three_forms),
        cmocka_unit_test(a_date_that_has_passed_is_no_time),
        cmocka_unit_test(two_digits_of_a_year_mean_the_nearest_one),
        cmocka_unit_test(clocks_of_any_time_do_no_harm),
        cmocka_unit_test(what_is_neither_is_refused),
        cmocka_unit_test(garbage_is_read_without_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
