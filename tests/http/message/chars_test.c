/* SPDX-License-Identifier: MIT */
/* Classes of characters: every entry of the table is derived from the grammar once more. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/message/chars.h"
#include "http/message/headers.h"

static bool is_one_of(int c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static void every_class_is_that_of_the_grammar(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        bool alnum = c < 128 && isalnum(c), unreserved = alnum || is_one_of(c, "-._~");
        bool delimiter = is_one_of(c, "!$&'()*+,;="), visible = c > ' ' && c < 0x7f;
        int expected = (alnum || is_one_of(c, "!#$%&'*+-.^_`|~") ? WEIR__HTTP_TCHAR : 0) |
                       (c == '\t' || (c >= ' ' && c != 0x7f) ? WEIR__HTTP_VCHAR : 0) |
                       (unreserved ? WEIR__HTTP_UNRESERVED : 0) |
                       (unreserved || delimiter ? WEIR__HTTP_HOSTCHAR : 0) |
                       (c < 128 && isxdigit(c) ? WEIR__HTTP_HEXDIGIT : 0) |
                       (c < 128 && isdigit(c) ? WEIR__HTTP_DIGIT : 0) | (visible ? WEIR__HTTP_VISIBLE : 0) |
                       (unreserved || delimiter || is_one_of(c, ":@/?%") ? WEIR__HTTP_TARGET : 0);
        if (weir__http_chars[c] != expected)
            fail_msg("0x%02x is %d, expected %d", (unsigned)c, weir__http_chars[c], expected);
    }
}

static void hex_digits_have_values(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        const char *digits = "0123456789abcdef", *at = c < 128 && c > 0 ? strchr(digits, tolower(c)) : NULL;
        assert_int_equal(weir__http_hex((char)c), at != NULL ? at - digits : -1);
    }
}

/* Texts are looked at eight bytes at a time: each byte at each place of texts of each length. */
static void texts_are_valid_whose_characters_are(void **state)
{
    char text[20];

    (void)state;
    for (size_t len = 1; len <= sizeof text; len++)
        for (size_t at = 0; at < len; at++)
            for (int c = 0; c < 256; c++) {
                memset(text, 'x', sizeof text);
                text[at] = (char)c;
                if (weir_token_is_valid((weir_bytes){text, len}) !=
                        weir__http_char_is((char)c, WEIR__HTTP_TCHAR) ||
                    weir_header_value_is_valid((weir_bytes){text, len}) !=
                        weir__http_char_is((char)c, WEIR__HTTP_VCHAR))
                    fail_msg("0x%02x at %zu of %zu", (unsigned)c, at, len);
            }
    assert_false(weir_token_is_valid((weir_bytes){"", 0}));
    assert_true(weir_header_value_is_valid((weir_bytes){NULL, 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_class_is_that_of_the_grammar),
        cmocka_unit_test(hex_digits_have_values),
        cmocka_unit_test(texts_are_valid_whose_characters_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
