/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/json.h>

#include "jobs/json_pick.h"
#include "support/starve.h"

static json_t *tree_of(const char *text)
{
    json_error_t error;
    json_t *tree = json_loads(text, JSON_DECODE_ANY, &error);

    if (tree == NULL)
        fail_msg("%s: %s", text, error.text);
    return tree;
}

/* The document lies in memory of exactly its size, so that ASan finds a read beyond. */
static int pick(const char *template_, const char *document, enum json_missing missing, weir_buffer *out,
                char fault[JSON_PICK_FAULT_BYTES])
{
    size_t length = strlen(document);
    json_t *tree = tree_of(template_);
    char *exact = malloc(length ? length : 1);
    struct json_pick *pick;
    int err;

    assert_non_null(exact);
    memcpy(exact, document, length);
    assert_true(weir_json_is_valid(exact, length, 1000));
    err = json_pick_open(&pick, tree, missing, fault);
    if (err == 0)
        err = json_pick_run(pick, (weir_bytes){exact, length}, 1000, out, fault, NULL, NULL);
    json_pick_close(pick);
    free(exact);
    json_decref(tree);
    return err;
}

static void check(const char *template_, const char *document, enum json_missing missing, const char *wanted)
{
    char fault[JSON_PICK_FAULT_BYTES];
    weir_buffer out;

    weir_buffer_init(&out, 4096);
    assert_int_equal(pick(template_, document, missing, &out, fault), 0);
    assert_true(weir_json_is_valid(out.data, out.len, 1000));
    assert_string_equal(out.data, wanted);
    weir_buffer_free(&out);
}

#define RFC_DOCUMENT                                                                                         \
    "{\"foo\": [\"bar\", \"baz\"], \"\": 0, \"a/b\": 1, \"c%d\": 2, \"e^f\": 3, \"g|h\": 4,"                 \
    " \"i\\\\j\": 5, \"k\\\"l\": 6, \" \": 7, \"m~n\": 8}"

static void pointers_find_what_rfc_6901_says(void **state)
{
    static const char *const table[][2] = {
        {"\"\"", RFC_DOCUMENT},    {"\"/foo\"", "[\"bar\", \"baz\"]"},
        {"\"/foo/0\"", "\"bar\""}, {"\"/\"", "0"},
        {"\"/a~1b\"", "1"},        {"\"/c%d\"", "2"},
        {"\"/e^f\"", "3"},         {"\"/g|h\"", "4"},
        {"\"/i\\\\j\"", "5"},      {"\"/k\\\"l\"", "6"},
        {"\"/ \"", "7"},           {"\"/m~0n\"", "8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        check(table[i][0], RFC_DOCUMENT, JSON_MISSING_FAULT, table[i][1]);
}

static void what_is_not_there_is_missing(void **state)
{
    static const char *const pointers[] = {"\"/x\"",
                                           "\"/foo/2\"",
                                           "\"/foo/-\"",
                                           "\"/foo/00\"",
                                           "\"/foo/01\"",
                                           "\"/foo/0/0\"",
                                           "\"/foo/bar\"",
                                           "\"//\"",
                                           "\"/foo/+0\"",
                                           "\"/m~1n\"",
                                           "\"/foo/9999999999999999999\""};

    (void)state;
    for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++) {
        char fault[JSON_PICK_FAULT_BYTES];
        weir_buffer out;
        check(pointers[i], RFC_DOCUMENT, JSON_MISSING_NULL, "null");
        weir_buffer_init(&out, 100);
        assert_int_equal(pick(pointers[i], RFC_DOCUMENT, JSON_MISSING_FAULT, &out, fault), -ENOENT);
        assert_non_null(strstr(fault, "the document has no /"));
        weir_buffer_free(&out);
    }
}

static void a_template_gives_the_shape(void **state)
{
    const char *document =
        " { \"user\" : {\"name\":\"Ann\",\"tags\":[1, 2 ,3]},\n\"id\": 12345678901234567890 } ";

    (void)state;
    check("{\"n\":\"/user/name\",\"deep\":{\"list\":[\"/id\",\"/user/tags/2\",{}]},\"all\":\"/user\"}",
          document, JSON_MISSING_FAULT,
          "{\"n\":\"Ann\",\"deep\":{\"list\":[12345678901234567890,3,{}]},\"all\":{\"name\":\"Ann\",\"tags\":"
          "[1, 2 ,3]}}");
    check("{\"a\":\"/x\",\"b\":\"/id\",\"c\":[\"/x\",\"/id\",\"/x\"]}", document, JSON_MISSING_OMIT,
          "{\"b\":12345678901234567890,\"c\":[12345678901234567890]}");
    check("{\"a\":\"/x\",\"c\":[\"/x\"]}", document, JSON_MISSING_NULL, "{\"a\":null,\"c\":[null]}");
    check("\"/x\"", document, JSON_MISSING_OMIT, "null");
    check("{\"\\u00e4\\\"\":\"/id\"}", document, JSON_MISSING_NULL,
          "{\"\xc3\xa4\\\"\":12345678901234567890}");
}

static void each_is_made_of_every_element(void **state)
{
    const char *document =
        "{\"items\":[{\"id\":1,\"tags\":[{\"t\":\"a\"},{\"t\":\"b\"}]},{\"id\":2},7,[8]],\"o\":{}}";

    (void)state;
    check("{\"each\":\"/items\",\"pick\":\"/id\"}", document, JSON_MISSING_NULL, "[1,2,null,null]");
    check("{\"each\":\"/items\",\"pick\":\"/id\"}", document, JSON_MISSING_OMIT, "[1,2]");
    check("{\"x\":{\"each\":\"/items\",\"pick\":{\"i\":\"/id\",\"t\":{\"each\":\"/tags\",\"pick\":\"/t\"}}}}",
          document, JSON_MISSING_OMIT, "{\"x\":[{\"i\":1,\"t\":[\"a\",\"b\"]},{\"i\":2},{},{}]}");
    check("{\"each\":\"/items/0/tags\",\"pick\":\"\"}", document, JSON_MISSING_NULL,
          "[{\"t\":\"a\"},{\"t\":\"b\"}]");
    check("[{\"each\":\"/o\",\"pick\":\"\"},{\"each\":\"/items/3\",\"pick\":\"\"}]", document,
          JSON_MISSING_NULL, "[null,[8]]");
    check("{\"each\":\"/o\",\"pick\":\"\",\"more\":\"/o\"}", document, JSON_MISSING_NULL,
          "{\"each\":{},\"pick\":{\"items\":[{\"id\":1,\"tags\":[{\"t\":\"a\"},{\"t\":\"b\"}]},{\"id\":2},7,["
          "8]],\"o\":{}},\"more\":{}}");
}

static void values_stay_as_they_came(void **state)
{
    static const char *const values[] = {"9223372036854775807",
                                         "-0.0",
                                         "1e400",
                                         "1.000000000000000000000001",
                                         "\"\\u0041\\ud83d\\ude00\\/\"",
                                         "{\"a\":1,\"a\":2}",
                                         "[ ]",
                                         "true",
                                         "\"\\\\\"",
                                         "\"]}\\\"[{\""};

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char document[200];
        snprintf(document, sizeof document, "{\"skipped\":%s,\"v\":[%s,0],\"w\":1}", values[i], values[i]);
        check("\"/v/0\"", document, JSON_MISSING_FAULT, values[i]);
        check("\"/w\"", document, JSON_MISSING_FAULT, "1");
    }
}

static void the_last_member_of_a_name_counts(void **state)
{
    (void)state;
    check("\"/a\"", "{\"a\":1,\"a\":2}", JSON_MISSING_FAULT, "2");
    check("[\"/a/b\",\"/a/c\"]", "{\"a\":{\"b\":1},\"a\":{\"c\":2}}", JSON_MISSING_NULL, "[null,2]");
    check("\"/a/b\"", "{\"a\":{\"b\":1},\"a\":7}", JSON_MISSING_NULL, "null");
    check("\"/a\"", "{\"a\":1,\"\\u0061\":2}", JSON_MISSING_FAULT, "2");
}

static void names_are_compared_by_what_they_say(void **state)
{
    (void)state;
    check("\"/\xc3\xa4\"", "{\"\\u00E4\":1}", JSON_MISSING_FAULT, "1");
    check("\"/\xf0\x9f\x98\x80\"", "{\"\\ud83d\\uDE00\":1}", JSON_MISSING_FAULT, "1");
    check("\"/\xe2\x82\xac\"", "{\"\\u20ac\":1}", JSON_MISSING_FAULT, "1");
    check("\"/a\\nb\\tc\\\\\"", "{\"a\\nb\\tc\\\\\":1}", JSON_MISSING_FAULT, "1");
    check("\"/x\"", "{\"\\u0078y\":1,\"\\ud83d\\ude00\":2,\"\\u0000\":3}", JSON_MISSING_NULL, "null");
}

static void faulty_templates_are_refused(void **state)
{
    static const char *const table[][2] = {
        {"\"a\"", "begins with /"},
        {"\"/a~2\"", "~0"},
        {"\"/a~\"", "~0"},
        {"7", "another type"},
        {"{\"a\":[true]}", "another type"},
        {"{\"each\":1,\"pick\":\"\"}", "each"},
        {"{\"each\":\"x\",\"pick\":\"\"}", "begins with /"},
    };
    char fault[JSON_PICK_FAULT_BYTES];
    char deep[200] = "";
    weir_buffer out, wide;

    (void)state;
    weir_buffer_init(&out, 100);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(pick(table[i][0], "{}", JSON_MISSING_NULL, &out, fault), -EINVAL);
        assert_non_null(strstr(fault, table[i][1]));
    }
    for (int i = 0; i < 34; i++)
        strcat(deep, "[");
    strcat(deep, "\"\"");
    for (int i = 0; i < 34; i++)
        strcat(deep, "]");
    assert_int_equal(pick(deep, "{}", JSON_MISSING_NULL, &out, fault), -EINVAL);
    assert_non_null(strstr(fault, "32 levels"));

    weir_buffer_init(&wide, 1 << 16);
    for (int i = 0; i < 1001; i++)
        assert_int_equal(weir_buffer_append_text(&wide, i ? ",\"\"" : "[\"\""), 0);
    assert_int_equal(weir_buffer_append_text(&wide, "]"), 0);
    assert_int_equal(pick(wide.data, "{}", JSON_MISSING_NULL, &out, fault), -EINVAL);
    assert_non_null(strstr(fault, "1000"));
    weir_buffer_free(&wide);
}

static void nesting_that_is_not_asked_for_costs_no_stack(void **state)
{
    enum { DEEP = 1000 };
    char *document = malloc(4 * DEEP);

    (void)state;
    assert_non_null(document);
    strcpy(document, "{\"deep\":");
    for (int i = 0; i < DEEP - 1; i++)
        strcat(document, "[");
    for (int i = 0; i < DEEP - 1; i++)
        strcat(document, "]");
    strcat(document, ",\"id\":1}");
    check("\"/id\"", document, JSON_MISSING_FAULT, "1");
    check("\"/deep/0/0/0/1\"", document, JSON_MISSING_NULL, "null");
    free(document);
}

/* The first question comes when the document has been read, the second among the elements of "each". */
static int give_up(void *arg)
{
    return ++*(int *)arg > 1 ? -WEIR_ECANCELED : 0;
}

static void it_ends_when_nobody_waits(void **state)
{
    char fault[JSON_PICK_FAULT_BYTES];
    json_t *tree = tree_of("{\"each\":\"\",\"pick\":\"\"}");
    weir_buffer document, out;
    struct json_pick *made;
    int asked = 0;

    (void)state;
    weir_buffer_init(&document, 1 << 20);
    weir_buffer_init(&out, 1 << 20);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(weir_buffer_append_text(&document, i ? ",0" : "[0"), 0);
    assert_int_equal(weir_buffer_append_text(&document, "]"), 0);
    assert_int_equal(json_pick_open(&made, tree, JSON_MISSING_NULL, fault), 0);
    assert_int_equal(json_pick_run(made, weir_buffer_bytes(&document), 1000, &out, fault, give_up, &asked),
                     -WEIR_ECANCELED);
    assert_int_equal(asked, 2);
    json_pick_close(made);
    json_decref(tree);
    weir_buffer_free(&out);
    weir_buffer_free(&document);
}

static void room_and_memory_end(void **state)
{
    const char *template_ = "{\"a\":\"/a\",\"b\":{\"each\":\"/b\",\"pick\":[\"\",\"/x~0\"]}}";
    const char *document = "{\"a\":\"some text\",\"b\":[1,2,3]}";
    const char *wanted = "{\"a\":\"some text\",\"b\":[[1,null],[2,null],[3,null]]}";
    char fault[JSON_PICK_FAULT_BYTES];
    json_t *tree;

    (void)state;
    for (size_t room = 0; room < strlen(wanted); room++) {
        weir_buffer out;
        weir_buffer_init(&out, room);
        assert_int_equal(pick(template_, document, JSON_MISSING_NULL, &out, fault), -WEIR_ETOOLARGE);
        weir_buffer_free(&out);
    }
    check(template_, document, JSON_MISSING_NULL, wanted);
    if (!STARVE_WORKS)
        return;
    tree = tree_of(template_);
    for (long n = 0;; n++) {
        struct json_pick *made;
        weir_buffer out;
        bool starved;
        int err;
        weir_buffer_init(&out, 4096);
        starve_after(n);
        err = json_pick_open(&made, tree, JSON_MISSING_NULL, fault);
        if (err == 0)
            err = json_pick_run(made, weir_bytes_of(document), 1000, &out, fault, NULL, NULL);
        starved = starve_end();
        json_pick_close(made);
        weir_buffer_free(&out);
        if (!starved)
            break;
        assert_int_equal(err, -ENOMEM);
    }
    json_decref(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pointers_find_what_rfc_6901_says),
        cmocka_unit_test(what_is_not_there_is_missing),
        cmocka_unit_test(a_template_gives_the_shape),
        cmocka_unit_test(each_is_made_of_every_element),
        cmocka_unit_test(values_stay_as_they_came),
        cmocka_unit_test(the_last_member_of_a_name_counts),
        cmocka_unit_test(names_are_compared_by_what_they_say),
        cmocka_unit_test(faulty_templates_are_refused),
        cmocka_unit_test(nesting_that_is_not_asked_for_costs_no_stack),
        cmocka_unit_test(it_ends_when_nobody_waits),
        cmocka_unit_test(room_and_memory_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
