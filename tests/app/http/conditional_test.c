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
        {"*, \"b\"", "\"a\"", false},
        {"\"b\", *", "\"a\"", false},
        {"\"a\"b", "\"a\"", false},
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
        if (etag_is_named(table[i].value, table[i].etag, false) != table[i].named)
            fail_msg("%s in %s", table[i].etag, table[i].value);
}

static void a_weak_tag_is_never_named_strongly(void **state)
{
    static const struct {
        const char *value, *etag;
        bool named;
    } table[] = {
        {"\"a\"", "\"a\"", true},           {"W/\"b\", \"a\"", "\"a\"", true}, {"*", "\"a\"", true},
        {"W/\"a\"", "\"a\"", false},        {"\"a\"", "W/\"a\"", false},       {"W/\"a\"", "W/\"a\"", false},
        {"w/\"a\", \"a\"", "\"a\"", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (etag_is_named(table[i].value, table[i].etag, true) != table[i].named)
            fail_msg("%s in %s", table[i].etag, table[i].value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_those_of_http),
        cmocka_unit_test(tags_are_found_in_lists),
        cmocka_unit_test(a_weak_tag_is_never_named_strongly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
