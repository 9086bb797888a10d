/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <weir/error.h>

static void texts_are_few_lower_case_words(void **state)
{
    (void)state;
    assert_string_equal(weir_error_text(-WEIR_EDEADLINE), "deadline exceeded");
    assert_string_equal(weir_error_text(-ECONNREFUSED), "connection refused");
    assert_string_equal(weir_error_text(-ENOENT), "no such file or directory");
    for (int code = WEIR_ECANCELED; code <= WEIR_ETLS; code++) {
        const char *text = weir_error_text(-code);
        assert_string_not_equal(text, "unknown error");
        for (const char *p = text; *p; p++)
            assert_false(isupper((unsigned char)*p));
    }
}

static void names_are_those_of_the_headers(void **state)
{
    (void)state;
    assert_string_equal(weir_error_name(-WEIR_ECANCELED), "WEIR_ECANCELED");
    assert_string_equal(weir_error_name(-WEIR_EDEADLINE), "WEIR_EDEADLINE");
    assert_string_equal(weir_error_name(-WEIR_ECPU), "WEIR_ECPU");
    assert_string_equal(weir_error_name(-ECONNREFUSED), "ECONNREFUSED");
    assert_string_equal(weir_error_name(-ENOMEM), "ENOMEM");
}

static void a_deadline_of_ours_is_not_that_of_tcp(void **state)
{
    (void)state;
    assert_string_not_equal(weir_error_text(-WEIR_EDEADLINE), weir_error_text(-ETIMEDOUT));
    assert_string_not_equal(weir_error_name(-WEIR_ECANCELED), weir_error_name(-ECANCELED));
}

static void every_errno_of_the_system_is_known(void **state)
{
    (void)state;
    for (int code = 1; code < 200; code++) {
        if (!strerrorname_np(code))
            continue;
        assert_string_equal(weir_error_name(-code), strerrorname_np(code));
        assert_string_not_equal(weir_error_text(-code), "unknown error");
    }
}

static void what_is_no_code_is_unknown(void **state)
{
    const int odd[] = {4000, WEIR_ETLS, 1, -4000, -WEIR_ECANCELED + 1, -WEIR_ETLS - 1, INT32_MIN, INT32_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        assert_string_equal(weir_error_text(odd[i]), "unknown error");
        assert_string_equal(weir_error_name(odd[i]), "?");
    }
    assert_string_equal(weir_error_text(0), "no error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_few_lower_case_words),
        cmocka_unit_test(names_are_those_of_the_headers),
        cmocka_unit_test(a_deadline_of_ours_is_not_that_of_tcp),
        cmocka_unit_test(every_errno_of_the_system_is_known),
        cmocka_unit_test(what_is_no_code_is_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
