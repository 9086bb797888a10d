/* SPDX-License-Identifier: MIT */
/* Reading JSON value by value: what is there, what is skipped, and where it is wrong. */
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <weir/json.h>

static void begin(weir_json_reader *r, const char *text)
{
    weir_json_reader_init(r, weir_bytes_of(text), 8);
}

static void assert_span(weir_bytes span, const char *text)
{
    if (!weir_bytes_equal(span, weir_bytes_of(text)))
        fail_msg("'%.*s', expected '%s'", (int)span.len, span.data, text);
}

/* --- going through a text --- */

static void members_are_read_and_skipped(void **state)
{
    static const char text[] =
        " { \"a\" : [1, {\"x\": [2]}, []], \"n\\u0061me\": \"v\\n\", \"b\": {}, \"id\": -7 } ";
    weir_json_reader r;
    weir_json_value v;
    weir_bytes key;
    int members = 0;
    int64_t id = 0;
    char name[8];

    (void)state;
    begin(&r, text);
    assert_int_equal(weir_json_read(&r, &v), 0);
    assert_int_equal(v.type, WEIR_JSON_OBJECT);
    assert_span(v.text, "{");
    while (weir_json_next_member(&r, &key) > 0) {
        members++;
        if (weir_json_string_is(key, "name")) {
            assert_int_equal(weir_json_read(&r, &v), 0);
            assert_int_equal(v.type, WEIR_JSON_STRING);
            assert_int_equal(weir_json_string_decode(v.text, name, sizeof name), 2);
            assert_memory_equal(name, "v\n", 2);
        } else if (weir_json_string_is(key, "id")) {
            assert_int_equal(weir_json_read(&r, &v), 0);
            assert_int_equal(v.type, WEIR_JSON_NUMBER);
            assert_int_equal(weir_json_int64(v.text, &id), 0);
        }
    }
    assert_int_equal(members, 4);
    assert_int_equal(id, -7);
    assert_int_equal(weir_json_end(&r), 0);
    assert_int_equal(weir_json_offset(&r), sizeof text - 1);
}

static void elements_of_every_type_are_told_apart(void **state)
{
    static const enum weir_json_type types[] = {WEIR_JSON_NULL,   WEIR_JSON_BOOL,   WEIR_JSON_BOOL,
                                                WEIR_JSON_NUMBER, WEIR_JSON_STRING, WEIR_JSON_ARRAY,
                                                WEIR_JSON_OBJECT};
    static const char *const texts[] = {"null", "true", "false", "-1.5e3", "\"\"", "[", "{"};
    weir_json_reader r;
    weir_json_value v;
    size_t n = 0;

    (void)state;
    begin(&r, "[null, true,false ,-1.5e3, \"\", [], {}]");
    assert_int_equal(weir_json_read(&r, &v), 0);
    while (weir_json_next_element(&r) > 0) {
        assert_int_equal(weir_json_read(&r, &v), 0);
        assert_int_equal(v.type, types[n]);
        assert_span(v.text, texts[n++]);
        if (v.type == WEIR_JSON_ARRAY || v.type == WEIR_JSON_OBJECT)
            assert_int_equal(weir_json_leave(&r), 0);
    }
    assert_int_equal(n, 7);
    assert_int_equal(weir_json_end(&r), 0);
}

static void a_skipped_value_is_given_whole(void **state)
{
    weir_json_reader r;
    weir_json_value v;
    weir_bytes whole, key;

    (void)state;
    begin(&r, "{\"a\": {\"b\": [1, \"]\"]} , \"c\": [[3],4]}");
    assert_int_equal(weir_json_read(&r, &v), 0);
    assert_int_equal(weir_json_next_member(&r, &key), 1);
    assert_int_equal(weir_json_skip(&r, &whole), 0);
    assert_span(whole, "{\"b\": [1, \"]\"]}");
    assert_int_equal(weir_json_next_member(&r, &key), 1);
    assert_int_equal(weir_json_read(&r, &v), 0);
    assert_int_equal(weir_json_next_element(&r), 1);
    assert_int_equal(weir_json_leave(&r), 0); /* with an element that was not read */
    assert_int_equal(weir_json_next_member(&r, &key), 0);
    assert_int_equal(weir_json_end(&r), 0);
}

static void the_end_checks_what_was_not_read(void **state)
{
    weir_json_reader r;
    weir_json_value v;

    (void)state;
    begin(&r, "[1, {\"a\": [}]");
    assert_int_equal(weir_json_read(&r, &v), 0);
    assert_int_equal(weir_json_next_element(&r), 1);
    assert_int_equal(weir_json_end(&r), -EINVAL);
    assert_int_equal(weir_json_offset(&r), 11);
    assert_int_equal(weir_json_end(&r), -EINVAL);
    begin(&r, "[1] 2");
    assert_int_equal(weir_json_skip(&r, NULL), 0);
    assert_int_equal(weir_json_end(&r), -EINVAL);
    assert_int_equal(weir_json_offset(&r), 4);
    begin(&r, "");
    assert_int_equal(weir_json_end(&r), -EINVAL);
}

/* --- mistakes --- */

static void an_error_is_kept(void **state)
{
    weir_json_reader r;
    weir_json_value v;
    weir_bytes key;

    (void)state;
    begin(&r, "[[[[[[[[[1]]]]]]]]]");
    for (int i = 0; i < 8; i++) {
        assert_int_equal(weir_json_read(&r, &v), 0);
        assert_int_equal(weir_json_next_element(&r), 1);
    }
    assert_int_equal(weir_json_read(&r, &v), -WEIR_ETOOLARGE);
    assert_int_equal(weir_json_offset(&r), 8);
    assert_int_equal(weir_json_next_element(&r), -WEIR_ETOOLARGE);
    assert_int_equal(weir_json_next_member(&r, &key), -WEIR_ETOOLARGE);
    assert_int_equal(weir_json_skip(&r, NULL), -WEIR_ETOOLARGE);
    assert_int_equal(weir_json_leave(&r), -WEIR_ETOOLARGE);
    assert_int_equal(weir_json_end(&r), -WEIR_ETOOLARGE);
}

static void calls_out_of_order_are_refused(void **state)
{
    weir_json_reader r;
    weir_json_value v;
    weir_bytes key;

    (void)state;
    begin(&r, "[1]");
    assert_int_equal(weir_json_next_element(&r), -EINVAL); /* nothing was entered */
    begin(&r, "[1]");
    assert_int_equal(weir_json_leave(&r), -EINVAL);
    begin(&r, "[1]");
    assert_int_equal(weir_json_read(&r, &v), 0);
    assert_int_equal(weir_json_read(&r, &v), -EINVAL); /* no element was asked for */
    begin(&r, "[1]");
    assert_int_equal(weir_json_read(&r, &v), 0);
    assert_int_equal(weir_json_next_member(&r, &key), -EINVAL); /* an array */
    begin(&r, "{\"a\":1}");
    assert_int_equal(weir_json_read(&r, &v), 0);
    assert_int_equal(weir_json_next_element(&r), -EINVAL); /* an object */
    begin(&r, "1");
    assert_int_equal(weir_json_read(&r, &v), 0);
    assert_int_equal(weir_json_read(&r, &v), -EINVAL);
}

/* --- strings --- */

static void strings_are_decoded(void **state)
{
    static const struct {
        const char *string, *text;
        int length; /* or an error */
    } table[] = {
        {"\"\"", "", 0},
        {"\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "a\"\\/\b\f\n\r\t", 9},
        {"\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10},
        {"\"\\u0000\"", "\0", 1},
        {"\"123456789012345\"", NULL, -WEIR_ETOOLARGE},
        {"\"\\ud800\"", NULL, -EINVAL},
        {"\"\\ud800\\u0041\"", NULL, -EINVAL},
        {"\"\\udc00\"", NULL, -EINVAL},
        {"\"\\u12\"", NULL, -EINVAL},
        {"\"\\x\"", NULL, -EINVAL},
        {"\"\\\"", NULL, -EINVAL},
        {"\"", NULL, -EINVAL},
        {"a", NULL, -EINVAL},
        {"", NULL, -EINVAL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char out[14];
        weir_bytes string = weir_bytes_of(table[i].string);
        if (weir_json_string_decode(string, out, sizeof out) != table[i].length)
            fail_msg("%s", table[i].string);
        if (table[i].length < 0)
            continue;
        assert_memory_equal(out, table[i].text, (size_t)table[i].length);
        assert_true(weir_json_string_equal(string, (weir_bytes){table[i].text, (size_t)table[i].length}));
        assert_false(weir_json_string_equal(string, weir_bytes_of("another")));
    }
    assert_false(weir_json_string_is(weir_bytes_of("\"ab\""), "a"));
    assert_false(weir_json_string_is(weir_bytes_of("\"\\u0061\""), "ab"));
    assert_false(weir_json_string_is(weir_bytes_of("\"\\n\""), "\\n"));
}

/* --- numbers --- */

static void whole_numbers_are_read(void **state)
{
    int64_t value = 5;

    (void)state;
    assert_int_equal(weir_json_int64(weir_bytes_of("9223372036854775807"), &value), 0);
    assert_true(value == INT64_MAX);
    assert_int_equal(weir_json_int64(weir_bytes_of("-9223372036854775808"), &value), 0);
    assert_true(value == INT64_MIN);
    assert_int_equal(weir_json_int64(weir_bytes_of("-0"), &value), 0);
    assert_int_equal(value, 0);
    assert_int_equal(weir_json_int64(weir_bytes_of("9223372036854775808"), &value), -ERANGE);
    assert_int_equal(weir_json_int64(weir_bytes_of("-9223372036854775809"), &value), -ERANGE);
    assert_int_equal(weir_json_int64(weir_bytes_of("1.0"), &value), -EINVAL);
    assert_int_equal(weir_json_int64(weir_bytes_of("1e2"), &value), -EINVAL);
    assert_int_equal(weir_json_int64(weir_bytes_of("01"), &value), -EINVAL);
    assert_int_equal(weir_json_int64(weir_bytes_of("\"1\""), &value), -EINVAL);
    assert_int_equal(weir_json_int64(weir_bytes_of(""), &value), -EINVAL);
    assert_int_equal(weir_json_int64(weir_bytes_of("-"), &value), -EINVAL);
    assert_int_equal(value, 0);
}

static void doubles_are_read_in_every_locale(void **state)
{
    static const char *const locales[] = {"C", "de_DE.UTF-8"};
    char many[1100];
    double value = 0;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        if (setlocale(LC_ALL, locales[i]) == NULL)
            continue;
        assert_int_equal(weir_json_double(weir_bytes_of("-12.5e-1"), &value), 0);
        assert_true(value == -1.25);
        assert_int_equal(weir_json_double(weir_bytes_of("0.1"), &value), 0);
        assert_true(value == 0.1);
    }
    assert_int_equal(weir_json_double(weir_bytes_of("1e999"), &value), -ERANGE);
    assert_int_equal(weir_json_double(weir_bytes_of("1e-999"), &value), 0);
    assert_true(value == 0);
    assert_int_equal(weir_json_double(weir_bytes_of("nan"), &value), -EINVAL);
    assert_int_equal(weir_json_double(weir_bytes_of("0x1p3"), &value), -EINVAL);
    assert_int_equal(weir_json_double(weir_bytes_of("1 "), &value), -EINVAL);
    assert_int_equal(weir_json_double((weir_bytes){"123", 2}, &value), 0);
    assert_true(value == 12);
    memset(many, '1', sizeof many);
    assert_int_equal(weir_json_double((weir_bytes){many, 300}, &value), 0);
    assert_int_equal(weir_json_double((weir_bytes){many, 1001}, &value), -ERANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_read_and_skipped),
        cmocka_unit_test(elements_of_every_type_are_told_apart),
        cmocka_unit_test(a_skipped_value_is_given_whole),
        cmocka_unit_test(the_end_checks_what_was_not_read),
        cmocka_unit_test(an_error_is_kept),
        cmocka_unit_test(calls_out_of_order_are_refused),
        cmocka_unit_test(strings_are_decoded),
        cmocka_unit_test(whole_numbers_are_read),
        cmocka_unit_test(doubles_are_read_in_every_locale),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
