/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "app/support/reading.h"

#define REST "listen: 127.0.0.1:8080\nroutes:\n  - {path: /, respond: {body: x}}\n"

static struct config_access_log read_from(const char *text)
{
    struct config c;
    struct config_access_log log;

    reading_fine(text, &c);
    log = c.access_log;
    config_free(&c); /* what the paths and names of the result point to is gone */
    return log;
}

static void it_is_on_and_part_of_the_log(void **state)
{
    struct config_access_log log = read_from(REST);

    (void)state;
    assert_true(log.on);
    assert_false(log.apart);
    assert_null(log.path);
    assert_int_equal(log.sample, 100);
    assert_int_equal(log.slow.ns, 0);
    assert_null(log.hide);
    assert_false(read_from("access_log: false\n" REST).on);
    assert_true(read_from("access_log: true\n" REST).on);
    assert_true(read_from("access_log: {}\n" REST).on);
}

static void it_is_apart_with_a_path_or_another_format(void **state)
{
    struct config_access_log log = read_from("log: json\naccess_log: {path: a.log}\n" REST);

    (void)state;
    assert_true(log.apart);
    assert_int_equal(log.format, CONFIG_LOG_JSON);
    log = read_from("access_log: {path: stderr}\n" REST);
    assert_false(log.apart);
    assert_null(log.path);
    log = read_from("access_log: {path: stderr, format: json}\n" REST);
    assert_true(log.apart);
    assert_int_equal(log.format, CONFIG_LOG_JSON);
    assert_null(log.path);
    assert_false(read_from("access_log: {format: text}\n" REST).apart);
    log = read_from("log: json\naccess_log: {format: text}\n" REST);
    assert_true(log.apart);
    assert_int_equal(log.format, CONFIG_LOG_TEXT);
}

static void slow_alone_leaves_out_what_is_fast(void **state)
{
    struct config_access_log log = read_from("access_log: {slow: 100ms}\n" REST);

    (void)state;
    assert_int_equal(log.slow.ns, 100000000);
    assert_int_equal(log.sample, 0);
    log = read_from("access_log: {slow: 100ms, sample: 10%}\n" REST);
    assert_int_equal(log.slow.ns, 100000000);
    assert_int_equal(log.sample, 10);
    assert_int_equal(read_from("access_log: {sample: 100%}\n" REST).sample, 100);
}

static void names_are_hidden_in_any_case(void **state)
{
    struct config c;

    (void)state;
    reading_fine("access_log: {hide: [Authorization, token, access_token]}\n" REST, &c);
    assert_string_equal(c.access_log.hide[0], "authorization");
    assert_string_equal(c.access_log.hide[1], "token");
    assert_string_equal(c.access_log.hide[2], "access_token");
    assert_null(c.access_log.hide[3]);
    config_free(&c);
}

static void headers_are_shown_by_names_in_lower_case(void **state)
{
    struct config c;

    (void)state;
    assert_null(read_from("access_log: {fields: []}\n" REST).fields);
    reading_fine("access_log: {fields: [Host, user-agent, REFERER, a, b, c, d, e]}\n" REST, &c);
    assert_string_equal(c.access_log.fields[0], "host");
    assert_string_equal(c.access_log.fields[1], "user-agent");
    assert_string_equal(c.access_log.fields[2], "referer");
    assert_string_equal(c.access_log.fields[7], "e");
    assert_null(c.access_log.fields[8]);
    config_free(&c);
}

static void faults_have_their_place(void **state)
{
    static const struct reading_fault faults[] = {
        {"access_log: maybe\n" REST, 1, 13, "true, false or a mapping"},
        {"access_log: [a]\n" REST, 1, 13, "a list, expected true, false or a mapping"},
        {"access_log: {file: a}\n" REST, 1, 14, "unknown key 'file'"},
        {"access_log: {path: ''}\n" REST, 1, 20, "text that is not empty"},
        {"access_log: {path: [a]}\n" REST, 1, 20, "access_log.path"},
        {"access_log: {format: xml}\n" REST, 1, 22, "text or json"},
        {"access_log: {sample: 10}\n" REST, 1, 22, "%"},
        {"access_log: {sample: 0%}\n" REST, 1, 22, "1"},
        {"access_log: {sample: 101%}\n" REST, 1, 22, "100"},
        {"access_log: {slow: 100}\n" REST, 1, 20, "access_log.slow"},
        {"access_log: {slow: 0s}\n" REST, 1, 20, "'0s', expected a duration above 0, such as 250ms"},
        {"access_log: {path: stdout}\n" REST, 1, 20, "standard output is /dev/stdout"},
        {"access_log: {path: '-'}\n" REST, 1, 20, "a file, or stderr"},
        {"access_log: {hide: token}\n" REST, 1, 20, "a list"},
        {"access_log: {hide: [a, 'b c']}\n" REST, 1, 24,
         "'b c', expected a name of a query parameter or header, such as token, without spaces and any of "
         "=&;?:,"},
        {"access_log: {hide: ['token=']}\n" REST, 1, 21, "a name of"},
        {"access_log: {hide: ['']}\n" REST, 1, 21, "a name of"},
        {"access_log: {hide: [[a]]}\n" REST, 1, 21, "access_log.hide"},
        {"access_log: {fields: host}\n" REST, 1, 22, "a list"},
        {"access_log: {fields: {host: true}}\n" REST, 1, 22, "a list"},
        {"access_log: {fields: [a, [b]]}\n" REST, 1, 26, "access_log.fields"},
        {"access_log: {fields: [a, b, c, d, e, f, g, h, i]}\n" REST, 1, 22, "at most 8"},
        {"access_log: {fields: ['']}\n" REST, 1, 23, "the name of a header, such as user-agent"},
        {"access_log: {fields: ['user agent']}\n" REST, 1, 23, "the name of a header"},
        {"access_log: {fields: ['host:']}\n" REST, 1, 23, "the name of a header"},
        {"access_log: {fields: [host, Authorization]}\n" REST, 1, 29,
         "'Authorization', expected no header that carries a secret"},
        {"access_log: {fields: [cookie]}\n" REST, 1, 23, "carries a secret"},
        {"access_log: {fields: [proxy-authorization]}\n" REST, 1, 23, "carries a secret"},
        {"access_log: {fields: [X_Api_Key]}\n" REST, 1, 23, "carries a secret"},
        {"access_log: {fields: [Status]}\n" REST, 1, 23, "'Status', expected another header: this is a key"},
        {"access_log: {fields: [peer]}\n" REST, 1, 23, "a key of the line itself"},
        {"access_log: {fields: [message]}\n" REST, 1, 23, "a key of the line itself"},
        {"access_log: {fields: [host, referer, Host]}\n" REST, 1, 38, "each header once"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        reading_has(&faults[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_on_and_part_of_the_log),
        cmocka_unit_test(it_is_apart_with_a_path_or_another_format),
        cmocka_unit_test(slow_alone_leaves_out_what_is_fast),
        cmocka_unit_test(names_are_hidden_in_any_case),
        cmocka_unit_test(headers_are_shown_by_names_in_lower_case),
        cmocka_unit_test(faults_have_their_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
