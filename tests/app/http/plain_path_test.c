/* SPDX-License-Identifier: MIT */
/* The plain spelling of a path: the one that patterns of routes have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <weir/http_text.h>

#include "http/plain_path.h"

static void paths_get_their_plain_spelling(void **state)
{
    static const char *const cases[][2] = {
        {"/", "/"},
        {"//", "/"},
        {"/a//b///", "/a/b/"},
        {"///a", "/a"},
        {"/%40a/%3B%2C%21", "/@a/;,!"},
        {"/@a/;,!", "/@a/;,!"},
        {"/a%2Fb%5Cc%25", "/a%2Fb%5Cc%25"},
        {"/{a}*\\\"", "/%7Ba%7D%2A%5C%22"},
        {"/%C3%A4%20", "/%C3%A4%20"},
        {"/%00", "/%00"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[64];

        plain_path_write(cases[i][0], out);
        assert_string_equal(out, cases[i][1]);
        plain_path_write(cases[i][1], out);
        assert_string_equal(out, cases[i][1]);
    }
}

/* Every character has one spelling in its plain path, and a pattern takes it. */
static void a_plain_path_is_a_pattern(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        char escaped[8], plain[32];
        weir_text_fault fault;

        (void)snprintf(escaped, sizeof escaped, "/a%%%02X", (unsigned)c);
        plain_path_write(escaped, plain);
        assert_int_equal(weir_pattern_check(weir_bytes_of(plain), &fault), 0);
        if (c > ' ' && c < 0x7f && c != '%' && c != '/') {
            char other[32];
            const char raw[] = {'/', 'a', (char)c, '\0'};

            plain_path_write(raw, other);
            assert_string_equal(other, plain);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_get_their_plain_spelling),
        cmocka_unit_test(a_plain_path_is_a_pattern),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
