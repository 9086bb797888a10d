/* SPDX-License-Identifier: MIT */
/* weir status, reload and drain, against pages that are given. */
#include <stdio.h>
#include <stdlib.h>

#include "app/support/asking.h"
#include "app/support/console.h"
#include "app/support/given_json.h"
#include "commands/commands.h"
#include "support/run.h"

static const char processes[] =
    "{'pid':4100,'uptime_s':93784.3,'state':'serving','generation':2,"
    "'apps':[{'name':'mail','state':'broken','last_line':'No module \\u001b[2J','last_end':'exited with "
    "status 1',"
    "'wanted':1,'starts':3,'deaths':2,'waiting':1,"
    "'processes':[{'number':3,'pid':4300,'state':'starting','age_ms':1200,'in_flight':0,'requests':0,'"
    "failures':0,"
    "'why':null}]}],"
    "'processes':[{'process':1,'pid':4101,'generation':2,'state':'ready','since_s':61,'in_flight':12,'"
    "restarts':0,"
    "'last_end':null,'silent_s':null},"
    "{'process':2,'pid':null,'generation':2,'state':'waiting','since_s':0.5,'in_flight':null,'restarts':3,"
    "'last_end':'ended by SIGSEGV','silent_s':null},"
    "{'process':3,'pid':4103,'generation':1,'state':'draining','since_s':4,'in_flight':null,'restarts':0,"
    "'last_end':null,'silent_s':12}]}";

struct world {
    struct given_pages *pages;
    struct given_page page[3];
    struct console console;
    const char *at;
};

static void begin(struct world *w)
{
    *w = (struct world){.page = {{"/processes", 200, given_json_text(processes)},
                                 {"/reload", 200, "reloaded: 2 processes are ready\n"},
                                 {"/drain", 200, "draining\n"}}};
    w->pages = given_pages_open(w->page, 3);
    w->at = given_pages_address(w->pages);
}

static void end(struct world *w)
{
    (void)given_pages_close(w->pages, NULL);
    console_free(&w->console);
    free((char *)(uintptr_t)w->page[0].body);
}

static void status_lists_processes_and_applications(void **state)
{
    struct world w;

    (void)state;
    begin(&w);
    RUN(&w.console, command_status, "status", w.at);
    assert_int_equal(w.console.code, EXIT_FINE);
    assert_string_equal(w.console.err, "");
    console_has(w.console.out, "supervisor 4100 serving, for 1 d 2 h, generation 2\n");
    console_has(w.console.out, "1              4101  ready ");
    console_has(w.console.out, "waiting");
    console_has(w.console.out, "before it: ended by SIGSEGV\n");
    console_has(w.console.out, "does not answer for 12 s\n");
    console_has(w.console.out,
                "broken         1 request waits, 3 starts, 2 deaths  last: exited with status 1\n");
    console_has(w.console.out, "it said: No module ");
    console_lacks(w.console.out, "\033"); /* nothing that would control a terminal */
    console_has(w.console.out, "mail[3]");
    RUN(&w.console, command_status, "status", "--json", w.at);
    assert_string_equal(w.console.out, w.page[0].body);
    given_pages_change(w.pages, "/processes", 200, "[1]");
    RUN(&w.console, command_status, "status", w.at);
    assert_int_equal(w.console.code, EXIT_FAILED);
    console_has(w.console.err, "weir status: the answer is not the state of a gateway");
    given_pages_change(w.pages, "/processes", 404, "{}");
    RUN(&w.console, command_status, "status", w.at);
    assert_int_equal(w.console.code, EXIT_FAILED);
    console_has(w.console.err, "has no page /processes");
    end(&w);
}

static void reload_prints_what_came_of_it(void **state)
{
    struct world w;
    char head[4096];

    (void)state;
    begin(&w);
    RUN(&w.console, command_reload, "reload", w.at);
    assert_int_equal(w.console.code, EXIT_FINE);
    assert_string_equal(w.console.out, "reloaded: 2 processes are ready\n");
    given_pages_head(w.pages, head);
    console_has(head, "POST /reload HTTP/1.1\r\n");
    console_has(head, "X-Weir-Action: 1\r\n");
    given_pages_change(w.pages, "/reload", 422, "gateway.yaml:3:4: unknown key 'rout'\n");
    RUN(&w.console, command_reload, "reload", w.at);
    assert_int_equal(w.console.code, EXIT_FAILED);
    assert_string_equal(w.console.err, "gateway.yaml:3:4: unknown key 'rout'\n");
    assert_string_equal(w.console.out, "");
    given_pages_change(w.pages, "/reload", 409, "the gateway drains\n");
    RUN(&w.console, command_reload, "reload", w.at);
    assert_int_equal(w.console.code, EXIT_FAILED);
    assert_string_equal(w.console.err, "the gateway drains\n");
    given_pages_change(w.pages, "/reload", 500, "{}");
    RUN(&w.console, command_reload, "reload", w.at);
    assert_int_equal(w.console.code, EXIT_FAILED);
    console_has(w.console.err, "answers /reload with status 500");
    end(&w);
}

static void drain_asks_and_returns(void **state)
{
    struct world w;
    char head[4096];

    (void)state;
    begin(&w);
    RUN(&w.console, command_drain, "drain", w.at);
    assert_int_equal(w.console.code, EXIT_FINE);
    assert_string_equal(w.console.out, "draining\n");
    given_pages_head(w.pages, head);
    console_has(head, "POST /drain HTTP/1.1\r\n");
    end(&w);
}

static void wrong_words_are_told(void **state)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } commands[] = {{"status", command_status}, {"reload", command_reload}, {"drain", command_drain}};
    struct console c = {0};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        RUN(&c, commands[i].run, commands[i].name, "127.0.0.1:1", "more");
        assert_int_equal(c.code, EXIT_USAGE);
        console_has(c.err, "unexpected argument 'more'");
        RUN(&c, commands[i].run, commands[i].name, "--wrong");
        assert_int_equal(c.code, EXIT_USAGE);
        RUN(&c, commands[i].run, commands[i].name, "unix:/nonexistent/admin");
        assert_int_equal(c.code, EXIT_FAILED);
        console_has(c.err, "nothing answers at unix:/nonexistent/admin");
    }
    console_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_lists_processes_and_applications),
        cmocka_unit_test(reload_prints_what_came_of_it),
        cmocka_unit_test(drain_asks_and_returns),
        cmocka_unit_test(wrong_words_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
