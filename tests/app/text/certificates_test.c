/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "text/certificates.h"

static void dates_are_those_of_the_day(void **state)
{
    char text[CERTIFICATE_DATE_BYTES];

    (void)state;
    assert_string_equal(certificate_date(text, 0), "1970-01-01");
    assert_string_equal(certificate_date(text, 1793577600 - 1), "2026-11-01");
    assert_string_equal(certificate_date(text, 1793577600), "2026-11-02");
    assert_string_equal(certificate_date(text, INT64_MAX), "?");
    assert_true(certificate_days(172800, 86400) == 1);
    assert_true(certificate_days(0, 43200) == -0.5);
}

struct host_case {
    const char *host;
    int has;
};

static void names_have_hosts(void **state)
{
    static const char names[] = "a.example.com, *.b.example.com,C.example.com, 10.0.0.7";
    static const struct host_case cases[] = {
        {"a.example.com", 1}, {"A.Example.COM", 1},   {"c.example.com", 1},     {"x.b.example.com", 1},
        {"10.0.0.7", 1},      {"b.example.com", 0},   {"x.y.b.example.com", 0}, {"example.com", 0},
        {"a.example.co", 0},  {"xa.example.com", 0},  {"10.0.0.8", 0},          {"", 0},
        {"*.example.com", 1}, {"*.b.example.com", 1}, {"*.c.example.com", 0},   {"*.com", 1},
        {"*.org", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (certificate_names_have(names, cases[i].host) != (cases[i].has != 0))
            fail_msg("'%s' is told wrong", cases[i].host);
    assert_false(certificate_names_have("", "a"));
    assert_false(certificate_names_have("*", "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_those_of_the_day),
        cmocka_unit_test(names_have_hosts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
