/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "text/query.h"

static void assert_value(const char *query, int result, const char *value)
{
    char out[8] = "before";

    assert_int_equal(query_value(query, "name", out, sizeof out), result);
    assert_string_equal(out, value);
}

static void the_first_of_its_name_is_taken(void **state)
{
    (void)state;
    assert_value("name=1", 1, "1");
    assert_value("other=2&name=1&name=3", 1, "1");
    assert_value("names=2&nam=1", 0, "");
    assert_value("", 0, "");
    assert_value("&&name=x&", 1, "x");
    assert_value("name", 1, "");
    assert_value("name=&b", 1, "");
    assert_value("name=a=b", 1, "a=b");
}

static void values_are_decoded(void **state)
{
    (void)state;
    assert_value("name=a%20b+c", 1, "a b c");
    assert_value("name=%26%3d%c3%A4", 1, "&=\xc3\xa4");
    assert_value("name=1234567", 1, "1234567");
}

static void what_is_no_value_is_an_error(void **state)
{
    (void)state;
    assert_value("name=12345678", -EINVAL, "");
    assert_value("name=%", -EINVAL, "");
    assert_value("name=%2", -EINVAL, "");
    assert_value("name=%2&x=5", -EINVAL, "");
    assert_value("name=%zz", -EINVAL, "");
    assert_value("name=a%00b", -EINVAL, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_of_its_name_is_taken),
        cmocka_unit_test(values_are_decoded),
        cmocka_unit_test(what_is_no_value_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
