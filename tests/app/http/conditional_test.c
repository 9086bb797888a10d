/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/conditional.h"

static void dates_are_those_of_http(void **state)
{
    char date[HTTP_DATE_BYTES];

    (void)state;
    http_date(784111777, date); /* RFC 9110, 5.6.7 */
    assert_string_equal(date, "Sun, 06 Nov 1994 08:49:37 GMT");
    http_date(0, date);
    assert_string_equal(date, "Thu, 01 Jan 1970 00:00:00 GMT");
}

static void tags_are_found_in_lists(void **state)
{
    static const struct {
        const char *value, *etag;
        bool named;
    } table[] = {
        {"\"a\"", "\"a\"", true},
        {"\"b\", \"a\"", "\"a\"", true},
        {"W/\"a\"", "\"a\"", true},
        {"\"a\"", "W/\"a\"", true},
        {"\"b\",W/\"c\" ,\t\"a\"", "\"a\"", true},
        {"*", "\"a\"", true},
        {"\"b\"", "\"a\"", false},
        {"\"ab\"", "\"a\"", false},
        {"\"a,b\"", "\"b\"", false},
        {"\"a", "\"a\"", false},
        {"a", "\"a\"", false},
        {"", "\"a\"", false},
        {"W/", "\"a\"", false},
        {"junk, \"a\"", "\"a\"", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (etag_is_named(table[i].value, table[i].etag) != table[i].named)
            fail_msg("%s in %s", table[i].etag, table[i].value);
}

static void tags_come_before_dates(void **state)
{
    const char *date = "Sun, 06 Nov 1994 08:49:37 GMT";

    (void)state;
    assert_true(is_not_modified("\"a\"", NULL, "\"a\"", date));
    assert_true(is_not_modified(NULL, date, "\"a\"", date));
    assert_false(is_not_modified("\"b\"", date, "\"a\"", date));
    assert_false(is_not_modified(NULL, "Sun, 06 Nov 1994 08:49:38 GMT", "\"a\"", date));
    assert_false(is_not_modified(NULL, NULL, "\"a\"", date));
    assert_false(is_not_modified(NULL, "", "\"a\"", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_those_of_http),
        cmocka_unit_test(tags_are_found_in_lists),
        cmocka_unit_test(tags_come_before_dates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
