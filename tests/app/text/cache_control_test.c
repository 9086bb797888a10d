/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "text/cache_control.h"

static void directives_are_found_whole(void **state)
{
    static const char *const with[] = {"private",           "PRIVATE",           "max-age=1, private",
                                       "private,max-age=1", ", ,\tprivate\t, a", "private=\"x, y\"",
                                       "a=\"b\", private"};
    static const char *const without[] = {"",
                                          "privately",
                                          "x-private",
                                          "max-age=1",
                                          "a=private",
                                          "a=\"x, private\"",
                                          "a=\"x, private, y\", b",
                                          "a private"};

    (void)state;
    assert_false(cache_control_has(NULL, "private"));
    for (size_t i = 0; i < sizeof with / sizeof *with; i++)
        if (!cache_control_has(with[i], "private"))
            fail_msg("'%s' has it", with[i]);
    for (size_t i = 0; i < sizeof without / sizeof *without; i++)
        if (cache_control_has(without[i], "private"))
            fail_msg("'%s' has it not", without[i]);
}

static void a_value_is_a_list_of_directives(void **state)
{
    static const char *const good[] = {"no-cache", "public, max-age=31536000, immutable", ",a ,b=c,",
                                       "a=\"b, c\"", "a=\"\\\"\" , b"};
    static const char *const bad[] = {"",         " ",        ",",     "max-age 60", "max-age=60; public",
                                      "max-age=", "=60",      "a=\"b", "a=b c",      "a= b",
                                      "a =b",     "a=\"b\"c", "\"a\"", "a:b",        "a\nb"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!cache_control_is_valid(good[i]))
            fail_msg("'%s' is none", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (cache_control_is_valid(bad[i]))
            fail_msg("'%s' is one", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(directives_are_found_whole),
                                       cmocka_unit_test(a_value_is_a_list_of_directives)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
