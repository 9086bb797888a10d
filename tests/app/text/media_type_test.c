/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "text/media_type.h"

static void types_may_have_parameters(void **state)
{
    static const char *const good[] = {"text/plain",
                                       "a/b",
                                       "application/vnd.x+json",
                                       "text/html; charset=utf-8",
                                       "text/html;charset=utf-8",
                                       "text/html \t; \tcharset=\"utf-8\"",
                                       "a/b;c=d;e=f",
                                       "a/b; c=\"d; e=\\\"f\\\\\"; g=h",
                                       "a/b; c=\"\"",
                                       "a/b; c=\"\xc3\xa4\t\"",
                                       "a/b;", /* the grammar lets parameters be left out */
                                       "a/b;; ;c=d; "};
    static const char *const bad[] = {"",
                                      "text",
                                      "text/",
                                      "/plain",
                                      "text/plain/x",
                                      "text /plain",
                                      "text/ plain",
                                      " text/plain",
                                      "text/plain ",
                                      "text/x y",
                                      "text/x ;;=",
                                      "text/x;a",
                                      "text/x;a=",
                                      "text/x;=b",
                                      "text/x; a =b",
                                      "text/x; a= b",
                                      "text/x; a=b c",
                                      "text/x; a=b, text/y",
                                      "text/x; a=\"b",
                                      "text/x; a=\"b\\\"",
                                      "text/x; a=\"b\\",
                                      "text/x; a=\"b\"c",
                                      "text/x; a=\"b\nc\"",
                                      "text/x; a=\"\\\x7f\"",
                                      "text/x; a=b\"c\"",
                                      "text/x, text/y",
                                      "text/\xc3\xa4"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!media_type_is_valid(good[i]))
            fail_msg("'%s' is none", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (media_type_is_valid(bad[i]))
            fail_msg("'%s' is one", bad[i]);
    assert_true(media_type_is_plain(weir_bytes_of("a/b")));
    assert_false(media_type_is_plain(weir_bytes_of("a/b; c=d")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(types_may_have_parameters)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
