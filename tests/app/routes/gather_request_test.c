/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "routes/gather_request.h"

static const struct url_part parts[] = {
    {"/users/", 7, false, false},
    {"id", 2, true, false},
    {"?user=", 6, false, false},
    {"id", 2, true, true},
};
static const struct url_template url = {.origin = "http://h:1", .parts = parts, .part_count = 4};

static const char *param(const void *of, const char *name)
{
    return strcmp(name, "id") == 0 ? of : NULL;
}

static void assert_expands(const char *value, const char *expected)
{
    weir_buffer out;

    weir_buffer_init(&out, 1024);
    assert_int_equal(gather_expand(&out, &url, param, value), 0);
    assert_string_equal(out.data, expected);
    assert_int_equal(out.len, strlen(expected) + 1);
    weir_buffer_free(&out);
}

static void a_value_is_passed_on_as_it_came(void **state)
{
    (void)state;
    assert_expands("42", "http://h:1/users/42?user=42");
    assert_expands("a%2Fb", "http://h:1/users/a%2Fb?user=a%2Fb");
    assert_expands("a%2fB;x,:@!$'()*~", "http://h:1/users/a%2fB;x,:@!$'()*~?user=a%2fB;x,:@!$'()*~");
}

static void a_value_stays_one_value(void **state)
{
    (void)state;
    assert_expands("a&b=c+d", "http://h:1/users/a&b=c+d?user=a%26b%3Dc%2Bd");
    assert_expands("a#b|c", "http://h:1/users/a%23b%7Cc?user=a%23b%7Cc");
    assert_expands("\xc3\xa9", "http://h:1/users/%C3%A9?user=%C3%A9");
}

static void controls_are_refused(void **state)
{
    static const char *const values[] = {"a\rb", "a\nb", "a b", "a\tb", "a\x7f", "\x01"};
    weir_buffer out;

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        weir_buffer_init(&out, 1024);
        assert_int_equal(gather_expand(&out, &url, param, values[i]), -EINVAL);
        weir_buffer_free(&out);
    }
}

static void a_url_has_an_end(void **state)
{
    weir_buffer out;

    (void)state;
    weir_buffer_init(&out, 20);
    assert_int_equal(gather_expand(&out, &url, param, "123456"), -WEIR_ETOOLARGE);
    weir_buffer_free(&out);
}

static bool forwards(const char *connection, const char *name)
{
    static const char *const forward[] = {"Authorization", "x-tenant", "tracestate", "X-Weir-Deadline-Ms"};

    return gather_forwards(forward, 4, weir_bytes_of(connection), weir_bytes_of(name));
}

static void only_named_headers_are_passed_on(void **state)
{
    (void)state;
    assert_true(forwards(NULL, "authorization"));
    assert_true(forwards(NULL, "X-Tenant"));
    assert_false(forwards(NULL, "TraceParent")); /* each call has its own */
    assert_false(forwards(NULL, "tracestate"));
    assert_false(forwards(NULL, "x-weir-deadline-ms")); /* made anew */
    assert_true(forwards(NULL, "X-Request-Id"));
    assert_false(forwards(NULL, "cookie"));
    assert_false(forwards(NULL, "x-tenant2"));
}

static void what_connection_names_ends_here(void **state)
{
    (void)state;
    assert_false(forwards("close, Authorization", "authorization"));
    assert_false(forwards("keep-alive ,\tX-Tenant , y", "x-tenant"));
    assert_true(forwards("close, x-tenant", "authorization"));
    assert_true(forwards("close, ,", "authorization"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_passed_on_as_it_came),
        cmocka_unit_test(a_value_stays_one_value),
        cmocka_unit_test(controls_are_refused),
        cmocka_unit_test(a_url_has_an_end),
        cmocka_unit_test(only_named_headers_are_passed_on),
        cmocka_unit_test(what_connection_names_ends_here),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
