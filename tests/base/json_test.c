/* SPDX-License-Identifier: MIT */
/* JSON and UTF-8 as text, and base64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>
#include <weir/json.h>

/* A copy of exactly n bytes, so that ASan sees a look beyond. */
static bool valid(const char *text, size_t n, size_t depth)
{
    char *copy = malloc(n + !n);
    bool is_valid;

    assert_non_null(copy);
    memcpy(copy, text, n);
    is_valid = weir_json_is_valid(copy, n, depth);
    free(copy);
    return is_valid;
}

static void json_is_taken(void **state)
{
    static const char *const good[] = {"0",
                                       "-0",
                                       "1",
                                       "-12.5e+10",
                                       "0.0",
                                       "1E5",
                                       "true",
                                       "false",
                                       "null",
                                       "\"\"",
                                       "[]",
                                       "{}",
                                       " \t\r\n[1 , 2 ] ",
                                       "{\"a\":1,\"a\":2}",
                                       "[[[]]]",
                                       "\"\\u00e4\\n\\\"\\\\\\/\\b\\f\\r\\t\"",
                                       "\"\\ud800\\udc00\\uDBFF\\uDFFF\\ud7ff\\ue000\"",
                                       "\"\xc3\xa4\"",
                                       "\"\xf0\x9f\x98\x80\"",
                                       "{\"\":{\"b\":[null,true,{}]}}",
                                       "\"\x7f\""};

    (void)state;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!valid(good[i], strlen(good[i]), 8))
            fail_msg("%s was refused", good[i]);
}

static void what_is_no_json_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "01",
                                      "-",
                                      "+1",
                                      "1.",
                                      ".5",
                                      "1e",
                                      "1e+",
                                      "0x1",
                                      "NaN",
                                      "Infinity",
                                      "tru",
                                      "truee",
                                      "nul",
                                      "True",
                                      "\"",
                                      "\"\\\"",
                                      "\"\\x\"",
                                      "\"\\u12\"",
                                      "\"\\u12g4\"",
                                      "\"\\ud800\"",
                                      "\"\\uDBFF\"",
                                      "\"\\udc00\"",
                                      "\"\\uDFFFx\"",
                                      "\"\\ud800x\"",
                                      "\"\\ud800\\n\"",
                                      "\"\\ud800\\u0041\"",
                                      "\"\\ud800\\ud800\"",
                                      "\"\\ud800\\ud800\\udc00\"",
                                      "\"\\udc00\\ud800\"",
                                      "\"\\ud800\\",
                                      "\"\\ud800\\udc\"",
                                      "{\"\\ud800\":1}",
                                      "\"\n\"",
                                      "\"\x1f\"",
                                      "\"\xff\"",
                                      "\"\xc0\x80\"",
                                      "\"\xed\xa0\x80\"",
                                      "[",
                                      "]",
                                      "[1",
                                      "[1,",
                                      "[1,]",
                                      "[,1]",
                                      "[1 2]",
                                      "{",
                                      "{\"a\"",
                                      "{\"a\":",
                                      "{\"a\":1",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "{1:1}",
                                      "{\"a\" 1}",
                                      "1 2",
                                      "[]]",
                                      "{}}",
                                      "'a'",
                                      "[1]x",
                                      "/**/1",
                                      "\xef\xbb\xbf[1]",
                                      "\v1",
                                      "[}",
                                      "{]",
                                      "\"a\":1"};

    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (valid(bad[i], strlen(bad[i]), 8))
            fail_msg("%s was taken", bad[i]);
    assert_false(valid("\"\0\"", 3, 8));
    assert_false(valid("1\0", 2, 8));
}

static void every_prefix_of_a_text_is_refused(void **state)
{
    const char *text = "{\"k\":[1.5e3,\"\\u00e4\xc3\xa4\",{\"x\":null}],\"b\":[true,false]}";

    (void)state;

    assert_true(valid(text, strlen(text), 8));
    for (size_t n = 0; n < strlen(text); n++)
        assert_false(valid(text, n, 8));
}

static void nesting_has_a_limit(void **state)
{
    enum { MOST = WEIR_JSON_DEPTH_MAX };
    char text[2 * MOST + 4];

    (void)state;

    assert_true(valid("1", 1, 0));
    assert_false(valid("[]", 2, 0));
    assert_true(valid("[{}]", 4, 2));
    assert_false(valid("[{}]", 4, 1));
    memset(text, '[', MOST + 1);
    memset(text + MOST + 1, ']', MOST + 1);
    assert_false(valid(text, 2 * MOST + 2, SIZE_MAX));
    assert_true(valid(text + 1, 2 * MOST, SIZE_MAX));
    /* which bracket closes is known at every depth */
    text[MOST + MOST / 2] = '}';
    assert_false(valid(text + 1, 2 * MOST, SIZE_MAX));
}

static void expect_written(const char *p, size_t n, const char *json)
{
    weir_buffer b;

    weir_buffer_init(&b, 1000);
    assert_int_equal(weir_json_append_string(&b, p, n), 0);
    assert_int_equal(b.len, strlen(json));
    assert_memory_equal(weir_buffer_bytes(&b).data, json, b.len);
    assert_true(valid(weir_buffer_bytes(&b).data, b.len, 0));
    weir_buffer_free(&b);
}

static void a_fault_has_its_place(void **state)
{
    static const struct {
        const char *text;
        int err;
        size_t at;
    } table[] = {
        {"[1]", 0, 3},
        {"", -EINVAL, 0},
        {"[1", -EINVAL, 2},
        {"[1}", -EINVAL, 2},
        {"{\"a\" 1}", -EINVAL, 5},
        {"[tru]", -EINVAL, 1},
        {"[1] x", -EINVAL, 4},
        {"\"\xff\"", -EINVAL, 1},
        {"[[[]]]", 0, 6},
        {"[[[[]]]]", -WEIR_ETOOLARGE, 3},
        {"[[[[", -WEIR_ETOOLARGE, 3},
        {"[01]", -EINVAL, 2},
    };
    (void)state;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        size_t at = 99;
        assert_int_equal(weir_json_check(table[i].text, strlen(table[i].text), 3, &at), table[i].err);
        assert_int_equal(at, table[i].at);
        assert_int_equal(weir_json_check(table[i].text, strlen(table[i].text), 3, NULL), table[i].err);
    }
}

static void strings_are_written(void **state)
{
    (void)state;
    expect_written("", 0, "\"\"");
    expect_written("plain", 5, "\"plain\"");
    expect_written("\"\\\n\t\x01\x7f/", 7, "\"\\\"\\\\\\n\\t\\u0001\x7f/\"");
    expect_written("a\0b", 3, "\"a\\u0000b\"");
    expect_written("\xc3\xa4", 2, "\"\xc3\xa4\"");
    expect_written("a\xff"
                   "b",
                   3,
                   "\"a\xef\xbf\xbd"
                   "b\"");
    expect_written("\xc3", 1, "\"\xef\xbf\xbd\"");
}

/* Whatever the bytes, the result is valid, and too small a buffer stays as it was. */
static void any_bytes_become_valid_json(void **state)
{
    uint64_t x = 1;

    (void)state;

    for (int i = 0; i < 3000; i++) {
        char bytes[40];
        size_t n = (size_t)i % sizeof bytes;
        weir_buffer b;
        for (size_t k = 0; k < n; k++) {
            x = x * 6364136223846793005u + 1442695040888963407u;
            bytes[k] = (char)(x >> 56);
        }
        weir_buffer_init(&b, 1000);
        assert_int_equal(weir_json_append_string(&b, bytes, n), 0);
        assert_true(valid(weir_buffer_bytes(&b).data, b.len, 0));
        weir_buffer_free(&b);
        weir_buffer_init(&b, n + 1); /* the quotes alone are two */
        assert_int_equal(weir_json_append_string(&b, bytes, n), -WEIR_ETOOLARGE);
        assert_int_equal(b.len, 0);
        weir_buffer_free(&b);
    }
}

static void utf8_is_strict(void **state)
{
    static const char *const good[] = {"",
                                       "a",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {
        "\x80",         "\xbf",         "\xc0\xaf",         "\xc1\xbf",         "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xff",         "\xc3",         "\xe2\x82",         "\xf0\x9f\x98",     "\xc3(",
        "\xe2(\xa1",    "a\xe2\x28\xa1"};

    (void)state;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(weir_utf8_is_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int n;

        char long_text[64]; /* the same far behind plain text, where a fast path may be at work */
        if (weir_utf8_is_valid(bad[i], strlen(bad[i])))
            fail_msg("bad text %zu was taken", i);
        n = snprintf(long_text, sizeof long_text, "thirty-three bytes of plain text %s", bad[i]);
        assert_false(weir_utf8_is_valid(long_text, (size_t)n));
    }
    assert_true(weir_utf8_is_valid("\0", 1));
}

static void base64_is_that_of_the_rfc(void **state)
{
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"},
                                           {"\xfb\xff\xfe", "+//+"}};
    weir_buffer b;

    (void)state;

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        size_t n = strlen(pairs[i][1]);
        weir_buffer_init(&b, 100);
        assert_int_equal(weir_base64_append(&b, pairs[i][0], strlen(pairs[i][0])), 0);
        assert_int_equal(b.len, n);
        assert_true(n == 0 || memcmp(weir_buffer_bytes(&b).data, pairs[i][1], n) == 0);
        weir_buffer_free(&b);
    }
    weir_buffer_init(&b, 7);
    assert_int_equal(weir_base64_append(&b, "foob", 4), -WEIR_ETOOLARGE);
    assert_int_equal(b.len, 0);
    weir_buffer_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_taken),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(every_prefix_of_a_text_is_refused),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(a_fault_has_its_place),
        cmocka_unit_test(strings_are_written),
        cmocka_unit_test(any_bytes_become_valid_json),
        cmocka_unit_test(utf8_is_strict),
        cmocka_unit_test(base64_is_that_of_the_rfc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
