/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "text/hidden.h"

static const char *const names[] = {"token", "api key", "jsessionid", NULL};
static char out[HIDDEN_TARGET_BYTES];

static void values_of_the_names_are_not_shown(void **state)
{
    static const char *const cases[][2] = {
        {"/a?token=s", "/a?token=***"},
        {"/a?b=1&token=s&c=2", "/a?b=1&token=***&c=2"},
        {"/a?TOKEN=s", "/a?TOKEN=***"},
        {"/a?%74o%6Ben=s", "/a?%74o%6Ben=***"},
        {"/a?api+key=s&api%20key=t", "/a?api+key=***&api%20key=***"},
        {"/a?token=", "/a?token=***"},
        {"/a?token[]=s&token%5B1%5d=t", "/a?token[]=***&token%5B1%5d=***"},
        {"/a?token[a][b]=s&c", "/a?token[a][b]=***&c"},
        {"/a?token=s=t==", "/a?token=***"},
        {"/a?token=s;t&b", "/a?token=***&b"},
        {"/a?b;token=s", "/a?b;token=***"},
        {"/a?b=1;token=s", "/a?b=1;token=***"},
        {"/a?u=http://h/?token=s&c", "/a?u=http://h/?token=***&c"},
        {"/a??token=s", "/a??token=***"},
        {"/a?token=s?t", "/a?token=***"},
        {"/a?&&token=s&&", "/a?&&token=***&&"},
        {"/a?token=s&token=t", "/a?token=***&token=***"},
        {"http://h/a?token=s", "http://h/a?token=***"},
        {"/a;jsessionid=s?b=1", "/a;jsessionid=***?b=1"},
        {"/a;jsessionid=s", "/a;jsessionid=***"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(hidden_target(names, cases[i][0], out), cases[i][1]);
}

static void all_else_is_the_target_itself(void **state)
{
    static const char *const cases[] = {
        "",
        "/",
        "/token=s",
        "/a?",
        "/a?token",
        "/a?tokens=s",
        "/a?oken=s",
        "/a?b=token",
        "/a?to%ken=s",
        "/a?token%00=s",
        "/a?token%=s",
        "/a?%=s",
        "/a?[token]=s",
        "/a?a[token]=s",
        "/a?%7=s",
        "*",
        "/a?=s",
        "/a?&&;;==&",
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ptr_equal(hidden_target(names, cases[i], out), cases[i]);
        assert_ptr_equal(hidden_target(NULL, cases[i], out), cases[i]);
    }
}

/* The beginning of a value never stands at the end of what is left. */
static void what_is_too_long_is_cut(void **state)
{
    static char target[3 * HIDDEN_TARGET_BYTES];

    (void)state;
    for (size_t before = HIDDEN_TARGET_BYTES - 20; before < HIDDEN_TARGET_BYTES + 20; before++) {
        memset(target, 'a', sizeof target - 1);
        target[1] = '?';
        memcpy(target + before, "&token=", 7);
        memset(target + before + 7, 'S', sizeof target - 1 - before - 7);
        assert_ptr_equal(hidden_target(names, target, out), out);
        assert_true(strlen(out) < sizeof out);
        assert_null(strchr(out, 'S'));
        assert_memory_equal(out, target, before < strlen(out) ? before : strlen(out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_the_names_are_not_shown),
        cmocka_unit_test(all_else_is_the_target_itself),
        cmocka_unit_test(what_is_too_long_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
