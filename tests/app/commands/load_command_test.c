/* SPDX-License-Identifier: MIT */
/* weir load, against a server with given pages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/support/asking.h"
#include "app/support/console.h"
#include "app/support/given_json.h"
#include "commands/commands.h"
#include "commands/load_run.h"
#include "support/run.h"

static const struct given_page pages[] = {
    {"/fine", 200, "hello"}, {"/broken", 500, "oh"}, {"/gone", 0, NULL}};
enum { PAGES = sizeof pages / sizeof *pages };

struct url {
    char text[64];
};

static struct url url(const struct given_pages *served, const char *path)
{
    struct url url;

    (void)snprintf(url.text, sizeof url.text, "http://%s%s", given_pages_address(served), path);
    return url;
}

/* --- a run --- */

/* A busy machine may not get to send all, or any, before the time is over: then the load is run again. */
static void every_request_is_counted_by_its_answer(void **state)
{
    struct given_pages *served;
    struct console c = {0};
    json_t *report = NULL;
    int asked;

    (void)state;
    do {
        json_decref(report);
        served = given_pages_open(pages, PAGES);
        RUN(&c, command_load, "load", "--rate", "200", "--for", "100ms", "--connections", "20", "--json",
            url(served, "/fine").text, url(served, "/broken?n={n}").text);
        report = read_json(c.out);
        asked = given_pages_close(served, NULL);
    } while (number_at(report, "sent") < 2);
    assert_int_equal(c.code, EXIT_FINE);
    assert_true(number_at(report, "planned") == 20);
    assert_true(number_at(report, "answered") == number_at(report, "sent"));
    assert_true(number_at(report, "sent") + number_at(report, "unsent") == 20);
    assert_true(number_at(report, "statuses.200") >= 1);
    assert_true(number_at(report, "statuses.500") >= 1);
    assert_true(number_at(report, "failed") == 0);
    assert_true(number_at(report, "sent") == asked);
    json_decref(report);
    console_free(&c);
}

static void the_text_has_the_same_figures(void **state)
{
    struct given_pages *served = given_pages_open(pages, PAGES);
    struct console c = {0};

    (void)state;
    RUN(&c, command_load, "load", "--rate", "0.1", "--for", "10s", "--header", "X-Secret: s",
        url(served, "/fine?{n}-{n}").text);
    assert_int_equal(c.code, EXIT_FINE);
    console_has(c.out, "1 sent in ");
    console_has(c.out, "; 1 answered (");
    console_has(c.out, ", 0 failed\n  status 200          1  p50 ");
    console_has(c.out, "latency from the intended start:\n  min  ");
    (void)given_pages_close(served, NULL);
    console_free(&c);
}

static void a_body_makes_it_a_post(void **state)
{
    char path[] = "/tmp/weir-test-XXXXXX", argument[64];
    const int fd = mkstemp(path);
    struct given_pages *served = given_pages_open(pages, PAGES);
    struct console c = {0};

    (void)state;
    assert_int_equal(write(fd, "from a file", 11), 11);
    (void)close(fd);
    (void)snprintf(argument, sizeof argument, "@%s", path);
    RUN(&c, command_load, "load", "--rate", "0.1", "--for", "10s", "--body", argument,
        url(served, "/fine").text);
    assert_int_equal(c.code, EXIT_FINE);
    RUN(&c, command_load, "load", "--rate", "0.1", "--for", "10s", "--body", "text", "--method", "PUT",
        url(served, "/fine").text);
    assert_int_equal(c.code, EXIT_FINE);
    (void)unlink(path);
    RUN(&c, command_load, "load", "--body", argument, url(served, "/fine").text);
    assert_int_equal(c.code, EXIT_FAILED);
    console_has(c.err, "weir load: /tmp/weir-test-");
    console_has(c.err, "no such file");
    (void)given_pages_close(served, NULL);
    console_free(&c);
}

static void nothing_answered_is_a_failure(void **state)
{
    struct given_pages *served = given_pages_open(pages, PAGES);
    struct console c = {0};

    (void)state;
    RUN(&c, command_load, "load", "--rate", "0.1", "--for", "10s", url(served, "/gone").text);
    assert_int_equal(c.code, EXIT_FAILED);
    console_has(c.out, "0 answered");
    console_has(c.out, "  error  ");
    (void)given_pages_close(served, NULL);
    console_free(&c);
}

/* --- usage --- */

static void what_can_not_be_sent_is_wrong_usage(void **state)
{
    static const struct {
        const char *words[4], *said;
    } faults[] = {
        {{NULL}, "weir load: no URL given"},
        {{"ftp://h/"}, "'ftp://h/' cannot be requested, expected"},
        {{"http://h/{x}"}, "'http://h/{x}' cannot be requested, expected "},
        {{"http://h/", "--method", "CONNECT"},
         "--method is 'CONNECT', expected a method such as GET, and not CONNECT"},
        {{"http://h/", "--method", "GE T"}, "--method is 'GE T', expected"},
        {{"http://h/", "--header", "no colon"}, "--header is 'no colon', expected 'NAME: VALUE'"},
        {{"http://h/", "--header", ": x"}, "--header is ': x', expected 'NAME: VALUE'"},
        {{"http://h/", "--header", "a b: x"}, "--header names 'a b', expected"},
        {{"http://h/", "--header", "a: x\ny"}, "--header a is '"},
        {{"http://h/", "--rate", "0"}, "--rate is '0', expected a number from 0.001 to 1000000"},
        {{"http://h/", "--connections", "0"}, "--connections is '0'"},
    };
    struct console c = {0};

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        const char *const *words = faults[i].words;
        RUN(&c, command_load, "load", words[0], words[0] != NULL ? words[1] : NULL, words[2]);
        assert_int_equal(c.code, EXIT_USAGE);
        console_has(c.err, faults[i].said);
    }
    console_free(&c);
}

static void a_url_may_have_its_number_in_several_places(void **state)
{
    weir_buffer out;

    (void)state;
    weir_buffer_init(&out, 64);
    assert_int_equal(load_url(&out, "http://h/{n}/x?{n}", 12), 0);
    assert_string_equal(out.data, "http://h/12/x?12");
    assert_int_equal(load_url(&out, "http://h/", 12), 0);
    assert_string_equal(out.data, "http://h/");
    assert_int_equal(
        load_url(&out, "http://h/0123456789012345678901234567890123456789012345678901234567890", 0),
        -WEIR_ETOOLARGE);
    weir_buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_is_counted_by_its_answer),
        cmocka_unit_test(the_text_has_the_same_figures),
        cmocka_unit_test(a_body_makes_it_a_post),
        cmocka_unit_test(nothing_answered_is_a_failure),
        cmocka_unit_test(what_can_not_be_sent_is_wrong_usage),
        cmocka_unit_test(a_url_may_have_its_number_in_several_places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
