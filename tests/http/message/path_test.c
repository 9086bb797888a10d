/* SPDX-License-Identifier: MIT */
/* Targets, paths and route patterns. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/message/pattern.h"
#include "http/message/target.h"

static void assert_text(weir_bytes span, const char *text)
{
    if (span.len != strlen(text) || memcmp(span.data, text, span.len) != 0)
        print_message("# \"%.*s\", expected \"%s\"\n", (int)span.len, span.data, text);
    assert_int_equal(span.len, strlen(text));
    assert_memory_equal(span.data, text, span.len);
}

/* --- paths --- */

static const char *const normal_forms[][2] = {
    {"/", "/"},           {"/a/b", "/a/b"},      {"/a/./b", "/a/b"},   {"/a/../b", "/b"},
    {"/a/b/..", "/a/"},   {"/a/.", "/a/"},       {"/a//b", "/a//b"},   {"/%61", "/a"},
    {"/%7Ea", "/~a"},     {"/%7ea", "/~a"},      {"/a%2fb", "/a%2Fb"}, {"/a%2Fb", "/a%2Fb"},
    {"/%2e%2e/a", NULL},  {"/a/%2E%2E/b", "/b"}, {"/..", NULL},        {"/a/../../b", NULL},
    {"/a%00b", NULL},     {"/a%", NULL},         {"/a%4", NULL},       {"/a%zz", NULL},
    {"/a%20b", "/a%20b"}, {"/a+b", "/a+b"},
};

static void paths_have_one_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof normal_forms / sizeof *normal_forms; i++) {
        char room[64];
        weir_bytes normal;
        struct weir__http_fault fault = {0};
        weir_bytes path = weir_bytes_of(normal_forms[i][0]);
        int err = weir__http_path_normalize(path, room, sizeof room, &normal, &fault);
        if ((err < 0) != (normal_forms[i][1] == NULL))
            print_message("# %s\n", normal_forms[i][0]);
        if (normal_forms[i][1] == NULL) {
            assert_int_equal(err, -WEIR_EPROTOCOL);
            assert_int_equal(fault.status, 400);
        } else {
            assert_int_equal(err, 0);
            assert_text(normal, normal_forms[i][1]);
        }
    }
}

static const char *const resolved_forms[][2] = {
    {"/", NULL},
    {"/a/b", NULL},
    {"/%61%2f/x%zz", NULL}, /* nothing else is looked at */
    {"/a/./b", "/a/b"},
    {"/%61/%2E/%62", "/%61/%62"},
    {"/a/%2e%2E/b", "/b"},
    {"/a/.%2e/b/..", "/"},
    {"/a/b/..", "/a/"},
    {"/a/.", "/a/"},
    {"/a//../b", "/a/b"},
    {"/a//./b//", "/a//b//"},
    {"/a/..;/b", NULL},
    {"/a/..%2fb/...", NULL},
};

static void dot_segments_are_resolved_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof resolved_forms / sizeof *resolved_forms; i++) {
        char room[64];
        size_t n = weir__http_path_resolve(weir_bytes_of(resolved_forms[i][0]), room);

        if (resolved_forms[i][1] == NULL)
            assert_int_equal(n, 0);
        else
            assert_text((weir_bytes){room, n}, resolved_forms[i][1]);
    }
}

static void targets_come_apart(void **state)
{
    struct weir__http_target t;
    struct weir__http_fault fault = {0};

    (void)state;
    assert_int_equal(weir__http_target_parse(weir_bytes_of("/a/b?c=d?e"), &t, &fault), 0);
    assert_text(t.path, "/a/b");
    assert_text(t.query, "c=d?e");
    assert_int_equal(weir__http_target_parse(weir_bytes_of("/a"), &t, &fault), 0);
    assert_null(t.query.data);
    assert_int_equal(weir__http_target_parse(weir_bytes_of("http://h:1/x?"), &t, &fault), 0);
    assert_int_equal(t.form, WEIR__HTTP_ABSOLUTE_FORM);
    assert_text(t.authority, "h:1");
    assert_text(t.path, "/x");
    assert_int_equal(t.query.len, 0);
    assert_int_equal(weir__http_target_parse(weir_bytes_of("http://h"), &t, &fault), 0);
    assert_text(t.path, "/");
    assert_int_equal(weir__http_target_parse(weir_bytes_of("*"), &t, &fault), 0);
    assert_int_equal(t.form, WEIR__HTTP_ASTERISK_FORM);
    assert_int_equal(weir__http_target_parse(weir_bytes_of("h:443"), &t, &fault), -WEIR_EPROTOCOL);
    assert_int_equal(weir__http_target_parse(weir_bytes_of("a/b"), &t, &fault), -WEIR_EPROTOCOL);
}

/* --- patterns --- */

struct match {
    const char *pattern, *path;
    bool matches;
    const char *first, *second, *rest; /* parameters; NULL: not looked at */
};

static const struct match matches[] = {
    {"/", "/", true, NULL, NULL, NULL},
    {"/a", "/a", true, NULL, NULL, NULL},
    {"/a", "/a/", false, NULL, NULL, NULL},
    {"/a/", "/a", false, NULL, NULL, NULL},
    {"/a", "/ab", false, NULL, NULL, NULL},
    {"/~a", "/%7Ea", true, NULL, NULL, NULL},
    {"/%2fa", "/%2Fa", true, NULL, NULL, NULL},
    {"/users/{id}", "/users/7", true, "7", NULL, NULL},
    {"/users/{id}", "/users/", false, NULL, NULL, NULL},
    {"/users/{id}", "/users/7/", false, NULL, NULL, NULL},
    {"/users/{id}", "/users/a%2Fb", true, "a%2Fb", NULL, NULL},
    {"/users/{id}", "/users/a%2fb", true, "a%2fb", NULL, NULL},
    {"/users/{id}", "/x/../users/%7E", true, "%7E", NULL, NULL},
    {"/{a}/x/{b}", "/1/x/2", true, "1", "2", NULL},
    {"/{a}/x/{b}", "/1/y/2", false, NULL, NULL, NULL},
    {"/files/*", "/files", true, NULL, NULL, ""},
    {"/files/*", "/files/", true, NULL, NULL, ""},
    {"/files/*", "/files/a/b", true, NULL, NULL, "a/b"},
    {"/files/*", "/filesystem", false, NULL, NULL, NULL},
    {"/{a}/*", "/x/y/z", true, "x", NULL, "y/z"},
    {"/*", "/", true, NULL, NULL, ""},
    {"/*", "/a/b", true, NULL, NULL, "a/b"},
};

static void routes_match_whole_segments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof matches / sizeof *matches; i++) {
        const struct match *m = &matches[i];
        struct weir__http_pattern pattern;
        weir_text_fault fault = {0};
        struct weir__http_params params;
        struct weir__http_fault why = {0};
        char room[64];
        weir_bytes path = weir_bytes_of(m->path), normal;
        assert_int_equal(weir__http_pattern_compile(weir_bytes_of(m->pattern), &pattern, &fault), 0);
        assert_int_equal(weir__http_path_normalize(path, room, sizeof room, &normal, &why), 0);
        if (weir__http_pattern_match(&pattern, normal, path, &params) != m->matches)
            print_message("# %s on %s\n", m->pattern, m->path);
        assert_int_equal(weir__http_pattern_match(&pattern, normal, path, &params), m->matches);
        if (m->first != NULL)
            assert_text(params.item[0].value, m->first);
        if (m->second != NULL)
            assert_text(params.item[1].value, m->second);
        if (m->rest != NULL)
            assert_text(params.rest, m->rest);
    }
}

static void patterns_that_cannot_be_are_refused(void **state)
{
    static const char *const wrong_ones[] = {
        "",        "a",     "/a*",      "/*/a",   "/{}",
        "/{a",     "/x{a}", "/{a}/{a}", "/{a-b}", "/{1}",
        "/%7Ea",   "/a//b", "/a?b",     "/a\"b",  "/a b",
        "/a/../b", "/.",    "/%00",     "/%",     "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong_ones / sizeof *wrong_ones; i++) {
        struct weir__http_pattern pattern;
        weir_text_fault fault = {0};
        int err = weir__http_pattern_compile(weir_bytes_of(wrong_ones[i]), &pattern, &fault);
        if (err == 0)
            print_message("# taken: %s\n", wrong_ones[i]);
        assert_int_equal(err, -EINVAL);
        assert_non_null(fault.expected);
        assert_true(fault.at <= strlen(wrong_ones[i]));
    }
}

static void parameters_are_found_by_name(void **state)
{
    struct weir__http_pattern pattern;
    weir_text_fault fault;
    struct weir__http_params params;
    weir_bytes path = weir_bytes_of("/one/two");

    (void)state;
    assert_int_equal(weir__http_pattern_compile(weir_bytes_of("/{a}/{b_2}"), &pattern, &fault), 0);
    assert_true(weir__http_pattern_match(&pattern, path, path, &params));
    assert_text(weir__http_params_find(&params, weir_bytes_of("b_2"))->value, "two");
    assert_null(weir__http_params_find(&params, weir_bytes_of("b")));
}

static void the_target_star_matches_nothing(void **state)
{
    struct weir__http_pattern pattern;
    weir_text_fault fault;
    weir_bytes none = {"", 0};

    (void)state;
    assert_int_equal(weir__http_pattern_compile(weir_bytes_of("/*"), &pattern, &fault), 0);
    assert_false(weir__http_pattern_match(&pattern, none, none, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_have_one_form),
        cmocka_unit_test(dot_segments_are_resolved_and_nothing_else),
        cmocka_unit_test(targets_come_apart),
        cmocka_unit_test(routes_match_whole_segments),
        cmocka_unit_test(patterns_that_cannot_be_are_refused),
        cmocka_unit_test(parameters_are_found_by_name),
        cmocka_unit_test(the_target_star_matches_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
