/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "gateway/access_fields.h"

static const char *const hide[] = {"token", "x-session", NULL};
static char text[ACCESS_FIELD_BYTES];

static void shows(const char *const *hidden, const char *name, const char *value, const char *wanted)
{
    const weir_kv pair = access_field_pair(hidden, name, value, text);

    assert_string_equal(pair.key, name);
    assert_int_equal(pair.value.bytes.len, strlen(wanted));
    assert_memory_equal(pair.value.bytes.data, wanted, strlen(wanted));
}

static void values_are_shown_as_they_are(void **state)
{
    (void)state;
    shows(NULL, "host", "a.example:8080", "a.example:8080");
    shows(NULL, "referer", "http://a/?token=s", "http://a/?token=s");
    shows(hide, "user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:1.0)",
          "Mozilla/5.0 (X11; Linux x86_64; rv:1.0)");
    shows(hide, "referer", "", "");
}

static void what_is_hidden_in_the_target_is_hidden_here(void **state)
{
    (void)state;
    shows(hide, "referer", "http://a/?b=c&Token=s&d", "http://a/?b=c&Token=***&d");
    shows(hide, "referer", "http://a/?b, http://a/?token=s", "http://a/?b, http://a/?token=***");
    shows(hide, "x-session", "s", "***");
    shows(hide, "x-session", "", "***"); /* not even whether there is one */
}

/* value: filled with so many bytes, then tail. */
static const char *long_value(char *value, size_t count, const char *tail)
{
    memset(value, 'a', count);
    memcpy(value + count, tail, strlen(tail) + 1);
    return value;
}

static void long_values_are_cut(void **state)
{
    char value[8192], wanted[ACCESS_FIELD_BYTES + 1];

    (void)state;
    shows(NULL, "user-agent", long_value(value, 256, ""), value);
    shows(NULL, "user-agent", long_value(value, 257, ""), long_value(wanted, 253, "…"));
    shows(hide, "user-agent", long_value(value, 8000, ""), wanted);
}

static void no_character_is_cut(void **state)
{
    char value[8192], wanted[ACCESS_FIELD_BYTES + 1];

    (void)state;
    shows(NULL, "referer", long_value(value, 252, "\xc3\xa9zzzz"), long_value(wanted, 252, "…"));
    shows(NULL, "referer", long_value(value, 251, "\xe2\x82\xaczzzz"), long_value(wanted, 251, "…"));
    shows(NULL, "referer", long_value(value, 250, "\xf0\x9f\x98\x80zzzz"), long_value(wanted, 250, "…"));
    shows(NULL, "referer", long_value(value, 249, "\xf0\x9f\x98\x80zzzz"),
          long_value(wanted, 249, "\xf0\x9f\x98\x80…"));
    memset(value, 0xbf, 300); /* and what is no character is no reason to go far back */
    value[300] = '\0';
    assert_in_range(access_field_pair(NULL, "a", value, text).value.bytes.len, 250, 256);
}

/* Wherever the cut is: in a name, or in its value. */
static void what_is_cut_shows_nothing_hidden(void **state)
{
    char value[8192];
    weir_kv pair;

    (void)state;
    for (size_t before = 230; before < 260; before++) {
        value[0] = '?';
        long_value(value + 1, before, "&token=secretsecretsecret");
        pair = access_field_pair(hide, "referer", value, text);
        assert_true(pair.value.bytes.len <= ACCESS_FIELD_BYTES);
        assert_null(memmem(pair.value.bytes.data, pair.value.bytes.len, "=s", 2));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_shown_as_they_are),
        cmocka_unit_test(what_is_hidden_in_the_target_is_hidden_here),
        cmocka_unit_test(long_values_are_cut),
        cmocka_unit_test(no_character_is_cut),
        cmocka_unit_test(what_is_cut_shows_nothing_hidden),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
