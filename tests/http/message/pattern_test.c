/* SPDX-License-Identifier: MIT */
/* Patterns as they are written: where their faults are, and which pattern covers another. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <weir/http_text.h>

#include "http/message/pattern.h"
#include "http/message/target.h"

static void a_fault_in_a_pattern_has_its_place(void **state)
{
    static const struct {
        const char *pattern;
        size_t at;
        const char *expected; /* part of it */
    } table[] = {
        {"", 0, "begins with '/'"},
        {"x", 0, "begins with '/'"},
        {"/x/{user-id}", 4, "letters, digits and '_'"},
        {"/{1}", 2, "starting with a letter"},
        {"/a/{b}/{b}", 8, "each parameter name once"},
        {"/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}", 33, "at most 8"},
        {"/x{a}", 2, "fills its segment"},
        {"/{}", 1, "fills its segment"},
        {"/{a", 1, "fills its segment"},
        {"/a*", 2, "last segment"},
        {"/*/a", 1, "last segment"},
        {"/a//b", 3, "no empty segment"},
        {"/a/../b", 3, "no segment '.'"},
        {"/a/.", 3, "no segment '.'"},
        {"/a?b", 2, "without '?'"},
        {"/a b", 2, "'%XX'"},
        {"/stra\xc3\x9f"
         "e",
         5, "'%XX'"},
        {"/a%4", 2, "two hexadecimal"},
        {"/a%00", 2, "no '%00'"},
        {"/a%7Eb", 2, "as they are"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        weir_text_fault fault = {0};
        if (weir_pattern_check(weir_bytes_of(table[i].pattern), &fault) != -EINVAL ||
            fault.at != table[i].at || strstr(fault.expected, table[i].expected) == NULL)
            fail_msg("'%s': %zu: %s", table[i].pattern, fault.at, fault.expected);
    }
}

static void a_pattern_has_at_most_255_bytes(void **state)
{
    char text[300];
    weir_text_fault fault;

    (void)state;
    memset(text, 'a', sizeof text);
    text[0] = '/';
    assert_int_equal(weir_pattern_check((weir_bytes){text, 255}, &fault), 0);
    assert_int_equal(weir_pattern_check((weir_bytes){text, 256}, &fault), -EINVAL);
    assert_int_equal(fault.at, 255);
}

static void parameters_are_known_by_name(void **state)
{
    const weir_bytes pattern = weir_bytes_of("/a/{id}/{b}/*");

    (void)state;
    assert_true(weir_pattern_has_param(pattern, weir_bytes_of("id")));
    assert_true(weir_pattern_has_param(pattern, weir_bytes_of("b")));
    assert_false(weir_pattern_has_param(pattern, weir_bytes_of("a")));
    assert_false(weir_pattern_has_param(pattern, weir_bytes_of("i")));
    assert_false(weir_pattern_has_param(pattern, weir_bytes_of("")));
}

/* --- covering, tried against matching --- */

static const char *const patterns[] = {"/",     "/a",     "/a/",    "/a/*",     "/*",   "/{x}",
                                       "/{x}/", "/{x}/*", "/a/{y}", "/{x}/b",   "/a/b", "/{x}/{y}",
                                       "/a%2f", "/a%2F",  "/a/b/*", "/a/{y}/c", "/b"};
static const char *const paths[] = {"/",    "/a",    "/a/", "/a/b",   "/a/b/", "/a/b/c", "/b",    "/b/b",
                                    "/b/c", "/a%2F", "/c/", "/a/c/c", "//",    "/a//",   "/x/y/z"};

static bool matches(const char *pattern, const char *path)
{
    struct weir__http_pattern compiled;
    const weir_bytes text = weir_bytes_of(path);

    assert_int_equal(weir__http_pattern_compile(weir_bytes_of(pattern), &compiled, NULL), 0);
    return weir__http_pattern_match(&compiled, text, text, NULL);
}

static void a_pattern_that_covers_another_matches_all_its_paths(void **state)
{
    int covered = 0;

    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        for (size_t k = 0; k < sizeof patterns / sizeof *patterns; k++) {
            if (!weir_pattern_covers(weir_bytes_of(patterns[i]), weir_bytes_of(patterns[k])))
                continue;
            covered++;
            for (size_t p = 0; p < sizeof paths / sizeof *paths; p++)
                if (matches(patterns[k], paths[p]) && !matches(patterns[i], paths[p]))
                    fail_msg("%s covers %s, but not %s", patterns[i], patterns[k], paths[p]);
        }
    assert_true(covered > 30);
    assert_true(weir_pattern_covers(weir_bytes_of("/a%2f"), weir_bytes_of("/a%2F")));
    assert_false(weir_pattern_covers(weir_bytes_of("/ab"), weir_bytes_of("/aB")));
    assert_true(weir_pattern_covers(weir_bytes_of("/a/*"), weir_bytes_of("/a")));
    assert_false(weir_pattern_covers(weir_bytes_of("/{x}"), weir_bytes_of("/")));
}

/* --- methods --- */

static void methods_are_tokens(void **state)
{
    weir_text_fault fault;

    (void)state;
    assert_int_equal(weir_methods_check(weir_bytes_of("GET"), NULL), 0);
    assert_int_equal(weir_methods_check(weir_bytes_of(" GET,POST  PROPFIND "), NULL), 0);
    assert_int_equal(weir_methods_check(weir_bytes_of(" , "), &fault), -EINVAL);
    assert_int_equal(fault.at, 3);
    assert_int_equal(weir_methods_check(weir_bytes_of("GET;POST"), &fault), -EINVAL);
    assert_int_equal(fault.at, 0);
    assert_int_equal(weir_methods_check(weir_bytes_of("GET (a)"), &fault), -EINVAL);
    assert_int_equal(fault.at, 4);
}

/* --- hosts --- */

static const struct {
    const char *text;
    size_t at;
} faulty_hosts[] = {{"", 0},     {".", 0},     {"a:80", 0},  {"[::1]:80", 0},  {"::1", 0},
                    {"[::1", 0}, {"a..b", 0},  {"1.2.3", 0}, {"*", 0},         {"*.", 0},
                    {"a.*", 2},  {"*.*.a", 2}, {"*a", 0},    {"*.1.2.3.4", 2}, {"*.[::1]", 2},
                    {"a b", 0},  {"a/b", 0},   {"a@b", 0},   {"a%41", 0},      {"\xc3\xa4", 0}};

static void hosts_are_names_addresses_or_wildcards(void **state)
{
    static const char *const valid[] = {"a",         "Example.com", "example.com.", "a_b.c-d",
                                        "192.0.2.1", "[::1]",       "*.a",          "*.b.c."};
    weir_text_fault fault;

    (void)state;
    for (size_t i = 0; i < sizeof valid / sizeof *valid; i++)
        if (weir_route_host_check(weir_bytes_of(valid[i]), &fault) < 0)
            fail_msg("%s: expected %s", valid[i], fault.expected);
    for (size_t i = 0; i < sizeof faulty_hosts / sizeof *faulty_hosts; i++)
        if (weir_route_host_check(weir_bytes_of(faulty_hosts[i].text), &fault) != -EINVAL ||
            fault.at != faulty_hosts[i].at)
            fail_msg("'%s' at %zu", faulty_hosts[i].text, fault.at);
}

static void a_host_covers_those_that_it_takes(void **state)
{
    static const struct {
        const char *earlier, *later;
        bool covers;
    } cases[] = {
        {"", "a", true},          {"", "*.a", true},      {"", "", true},          {"a", "", false},
        {"*.a", "", false},       {"A.b", "a.B.", true},  {"a.b", "x.a.b", false}, {"*.b", "a.b", true},
        {"*.b", "b", false},      {"*.b", "*.a.b", true}, {"*.b", "*.b", true},    {"*.a.b", "*.b", false},
        {"*.b", "ab", false},     {"b", "*.b", false},    {"*.b", "xb", false},    {"*.b.", "x.B", true},
        {"[::1]", "[::1]", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (weir_route_host_covers(weir_bytes_of(cases[i].earlier), weir_bytes_of(cases[i].later)) !=
            cases[i].covers)
            fail_msg("'%s' and '%s'", cases[i].earlier, cases[i].later);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_names_addresses_or_wildcards),
        cmocka_unit_test(a_host_covers_those_that_it_takes),
        cmocka_unit_test(a_fault_in_a_pattern_has_its_place),
        cmocka_unit_test(a_pattern_has_at_most_255_bytes),
        cmocka_unit_test(parameters_are_known_by_name),
        cmocka_unit_test(a_pattern_that_covers_another_matches_all_its_paths),
        cmocka_unit_test(methods_are_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
