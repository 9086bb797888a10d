/* SPDX-License-Identifier: MIT */
#include "commands/options.h"

#include <stdlib.h>

#include "app/support/console.h"
#include "commands/commands.h"
#include "support/run.h"

struct read {
    bool flag;
    int whole;
    uint64_t number;
    double real;
    weir_duration length;
    const char *text;
    struct option_list list;
};

#define AT(member) offsetof(struct read, member)
static const struct option options[] = {
    {"--flag", OPTION_FLAG, AT(flag), 0, 0},         {"--whole", OPTION_INT, AT(whole), 1, 100},
    {"--number", OPTION_NUMBER, AT(number), 0, 0},   {"--real", OPTION_REAL, AT(real), 0.5, 1e6},
    {"--length", OPTION_DURATION, AT(length), 0, 0}, {"--text", OPTION_TEXT, AT(text), 0, 0},
    {"--list", OPTION_LIST, AT(list), 0, 0},
};
#undef AT

static struct read got;
static const char *rest_items[16], *list_items[16];
static struct option_list rest;

static int read_them(int argc, char **argv)
{
    got = (struct read){.list = {list_items, 0}};
    rest = (struct option_list){rest_items, 0};
    return options_read("try", argc, argv, options, sizeof options / sizeof *options, &got, &rest);
}

static void every_type_is_read_in_both_forms(void **state)
{
    static char *const words[] = {
        "try",    "--flag",     "a",        "--whole=7", "--number",   "18446744073709551615",
        "--real", "2.5",        "--length", "1.5s",      "--text=x=y", "--list",
        "one",    "--list=two", "-",        "--",        "--flag"};

    (void)state;
    assert_int_equal(read_them(sizeof words / sizeof *words, (char **)(uintptr_t)words), 0);
    assert_true(got.flag);
    assert_int_equal(got.whole, 7);
    assert_true(got.number == UINT64_MAX);
    assert_true(got.real == 2.5);
    assert_int_equal(got.length.ns, 1500000000);
    assert_string_equal(got.text, "x=y");
    assert_int_equal(got.list.count, 2);
    assert_string_equal(got.list.items[0], "one");
    assert_string_equal(got.list.items[1], "two");
    assert_int_equal(rest.count, 3);
    assert_string_equal(rest.items[0], "a");
    assert_string_equal(rest.items[1], "-");
    assert_string_equal(rest.items[2], "--flag"); /* behind -- nothing is an option */
}

static void faults_say_what_was_expected(void **state)
{
    static const struct {
        const char *word, *value, *said;
    } faults[] = {
        {"--flg", NULL, "weir try: unknown option '--flg', did you mean '--flag'?; see 'weir try --help'\n"},
        {"--zzzzzz", NULL, "weir try: unknown option '--zzzzzz'; see"},
        {"--flag=1", NULL, "--flag takes no value"},
        {"--whole", NULL, "--whole needs a value"},
        {"--whole", "0", "--whole is '0', expected a number from 1 to 100"},
        {"--whole", "101", "--whole is '101', expected a number from 1 to 100"},
        {"--whole", "1.5", "--whole is '1.5', expected a number"},
        {"--whole", "x", "--whole is 'x', expected a number"},
        {"--whole", "", "--whole is '', expected a number"},
        {"--real", "0.4", "--real is '0.4', expected a number from 0.5 to 1000000"},
        {"--real", "nan", "--real is 'nan', expected"},
        {"--real", "1e999", "--real is '1e999', expected"},
        {"--real", "1x", "--real is '1x', expected"},
        {"--number", "-1", "--number is '-1', expected a whole number"},
        {"--number", "18446744073709551616", "expected a whole number"},
        {"--length", "0s", "--length is '0s', expected a duration such as 10s or 500ms"},
        {"--length", "ten", "--length is 'ten', expected a duration"},
    };
    struct console c = {0};

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        RUN(&c, read_them, "try", faults[i].word, faults[i].value);
        assert_int_equal(c.code, EXIT_USAGE);
        console_has(c.err, faults[i].said);
    }
    console_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read_in_both_forms),
        cmocka_unit_test(faults_say_what_was_expected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
