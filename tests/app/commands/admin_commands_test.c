/* SPDX-License-Identifier: MIT */
/* The commands that ask an admin address, against pages that are given. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/support/asking.h"
#include "app/support/console.h"
#include "app/support/given_json.h"
#include "commands/commands.h"
#include "support/run.h"

static const char stalls[] =
    "[{'task':'GET /report','route':'/report','loop':1,'scope':'server > GET "
    "/report','spawned_at':'gateway.c:7',"
    "'held_ms':312.5,'held_max_ms':400,'kind':'blocked','ongoing':true,'stack':['fsync disk.c:118','main'],"
    "'hint':'offload it','count':3,'first':1000.25,'last':3723.5},"
    "{'task':'timer','route':'/other','loop':0,'scope':null,'spawned_at':null,'held_ms':12,'held_max_ms':12,"
    "'kind':'computing','ongoing':false,'stack':[],'hint':null,'count':1,'first':1,'last':2},"
    "{'task':'shop[3]','route':'GET /report','app':'shop','pid':41,'loop':null,'scope':null,'spawned_at':"
    "null,"
    "'held_ms':412.3,'held_max_ms':412.3,'kind':'computing','ongoing':false,'stack':['regex app.py:11'],"
    "'hint':null,'late':37,'count':1,'first':1,'last':2}]";

static const char advice[] =
    "{'findings':[{'text':'origin a "
    "fails'}],'routes':[{'route':'/page','class':'I/O-bound','requests':7,'rate':3.5,'took_ms':40.25,"
    "'loop_ms':0.5,'loop_p99_ms':1,'wait_ms':39,'client_ms':2,'ready_ms':0.25,'starved_ms':1,'throttled_ms':"
    "2,'queue_ms':4,'pool_ms':5,"
    "'loop_share':0.25,'delay_to_others_ms':0.75,'advice':[{'text':'leave "
    "it'}]},{'route':'/quiet','requests':0}],"
    "'pools':[{'pool':'compute','rate':2,'refused_rate':1,'run_ms':30,'run_p99_ms':60,'queue_ms':7,'queue_"
    "p99_ms':9,'busy':1.5,"
    "'workers':4,'in_pool':2,'workers_needed':3,'advice':[]},{'pool':'idle','rate':0,'refused_rate':0}]}";

static const char tasks[] = "{'loops':[{'loop':0,'tasks':1,'tree':[{'id':9,'name':'GET "
                            "/x','state':'parked','waits_for':'a timer','age_ms':5,"
                            "'deadline_ms':null,'route':'/x','spawned_at':'m.c:1','stack':['wait "
                            "a.c:1'],'scopes':[]}]}],'truncated':false}";

static const char stats[] = "{'version':'9.9','uptime_s':5,'routes':[{'route':'/"
                            "x','kind':'gather'}],'loops':[],'pools':[],'origins':[]}";

struct world {
    struct given_pages *pages;
    struct given_page page[5];
    struct console console;
    const char *at;
};

static void begin(struct world *w)
{
    *w = (struct world){.page = {{"/stalls", 200, given_json_text(stalls)},
                                 {"/advice", 200, given_json_text(advice)},
                                 {"/tasks", 200, given_json_text(tasks)},
                                 {"/stats", 200, given_json_text(stats)},
                                 {"/profile", 200, "/x;GET /x;do_it 7\n/x;GET /x;other 3\n"}}};
    w->pages = given_pages_open(w->page, 5);
    w->at = given_pages_address(w->pages);
}

/* Returns: how many requests came; last: the target of the last. */
static int end(struct world *w, char last[1024])
{
    const int asked = given_pages_close(w->pages, last);

    console_free(&w->console);
    for (int i = 0; i < 4; i++)
        free((char *)(uintptr_t)w->page[i].body);
    return asked;
}

/* --- what they print --- */

static void stalls_are_told_with_all_that_is_known(void **state)
{
    struct world w;

    (void)state;
    begin(&w);
    RUN(&w.console, command_stalls, "stalls", w.at);
    assert_int_equal(w.console.code, EXIT_FINE);
    assert_string_equal(w.console.err, "");
    assert_string_equal(
        w.console.out, "01:02:03.500Z warn  loop 1 still held, for 312 ms by task \"GET /report\" (blocked)\n"
                       "             in  fsync                                disk.c:118\n"
                       "                 main\n"
                       "             route: /report\n"
                       "             scope: server > GET /report\n"
                       "             spawned at: gateway.c:7\n"
                       "             hint: offload it\n"
                       "             seen: 3 times since 00:16:40.250Z\n"
                       "\n"
                       "00:00:02.000Z warn  loop 0 held 12.0 ms by task \"timer\" (computing)\n"
                       "             route: /other\n"
                       "\n"
                       "00:00:02.000Z warn  shop[3] held 412 ms by request \"GET /report\" (computing)\n"
                       "             in  regex                                app.py:11\n"
                       "             late by it: 37 requests\n");
    RUN(&w.console, command_stalls, "stalls", "--json", w.at);
    assert_string_equal(w.console.out, w.page[0].body);
    given_pages_change(w.pages, "/stalls", 200, "[]");
    RUN(&w.console, command_stalls, "stalls", w.at);
    assert_string_equal(w.console.out, "no stalls since the gateway was started\n");
    (void)end(&w, NULL);
}

static void advice_shows_only_what_had_traffic(void **state)
{
    struct world w;

    (void)state;
    begin(&w);
    RUN(&w.console, command_advise, "advise", w.at);
    assert_int_equal(w.console.code, EXIT_FINE);
    assert_string_equal(w.console.out,
                        "! origin a fails\n\n"
                        "/page  I/O-bound, 3.5 a second, 40.25 ms each\n"
                        "  on the loop 0.50 ms (p99 1.00), waiting 39.00 (2.00 of it for the client), "
                        "waiting to be run 0.25,\n"
                        "  without a CPU 3.00, pool queue 4.00, pool 5.00\n"
                        "  takes 25.0 % of a loop; delays what else comes there by 0.75 ms on average\n"
                        "  > leave it\n\n"
                        "pool compute  2.0 jobs a second, 1.0 refused\n"
                        "  each runs 30.00 ms (p99 60.00) after 7.00 ms in the queue (p99 9.00)\n"
                        "  by Little's law 1.50 of 4 workers busy (rate x run), 2.00 jobs inside (rate x "
                        "(queue + run)); 3 workers would be right\n"
                        "\n");
    RUN(&w.console, command_advise, "advise", "--json", w.at);
    assert_string_equal(w.console.out, w.page[1].body);
    given_pages_change(w.pages, "/advice", 200, "{}");
    RUN(&w.console, command_advise, "advise", w.at);
    assert_string_equal(w.console.out, "No requests in the last minute: there is nothing to advise on.\n");
    (void)end(&w, NULL);
}

static void tasks_are_drawn_as_the_options_ask(void **state)
{
    char last[1024];
    struct world w;

    (void)state;
    begin(&w);
    RUN(&w.console, command_tasks, "tasks", "--filter", "a b", "--flat", w.at);
    assert_int_equal(w.console.code, EXIT_FINE);
    console_has(w.console.out, "GET /x #9  a timer  age 5 ms");
    console_lacks(w.console.out, "wait a.c:1");
    RUN(&w.console, command_tasks, "tasks", "--stacks", w.at);
    console_has(w.console.out, "wait a.c:1\n");
    RUN(&w.console, command_tasks, "tasks", "--json", "--filter=a b", w.at);
    assert_string_equal(w.console.out, w.page[2].body);
    assert_int_equal(end(&w, last), 3);
    assert_string_equal(last, "/tasks?stacks=0&filter=a%20b");
}

static void top_prints_once_where_there_is_no_terminal(void **state)
{
    struct world w;
    json_t *line;

    (void)state;
    begin(&w);
    RUN(&w.console, command_top, "top", w.at);
    assert_int_equal(w.console.code, EXIT_FINE);
    console_has(w.console.out, "weir 9.9 at 127.0.0.1:");
    console_has(w.console.out, "/x");
    console_has(w.console.out, "GET /report held loop 1");
    console_lacks(w.console.out, "\033");
    RUN(&w.console, command_top, "top", "--json", "--once", w.at);
    line = read_json(w.console.out);
    assert_string_equal(text_at(line, "routes.0.route"), "/x");
    assert_string_equal(w.console.out + strlen(w.console.out) - 1, "\n");
    json_decref(line);
    given_pages_change(w.pages, "/stalls", 404, NULL); /* an older gateway has no stalls */
    RUN(&w.console, command_top, "top", "--once", w.at);
    assert_int_equal(w.console.code, EXIT_FINE);
    console_lacks(w.console.out, "GET /report");
    (void)end(&w, NULL);
}

static char *contents(const char *path)
{
    static char text[1 << 16];
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    return text;
}

static void a_profile_is_printed_drawn_or_kept(void **state)
{
    char path[] = "/tmp/weir-test-XXXXXX", last[1024];
    const int fd = mkstemp(path);
    struct world w;

    (void)state;
    assert_true(fd >= 0);
    (void)close(fd);
    begin(&w);
    RUN(&w.console, command_profile, "profile", "--for", "1.5s", w.at);
    assert_int_equal(w.console.code, EXIT_FINE);
    assert_string_equal(w.console.out, w.page[4].body);
    RUN(&w.console, command_profile, "profile", "--out", path, w.at);
    assert_string_equal(w.console.out, "");
    assert_string_equal(contents(path), w.page[4].body);
    RUN(&w.console, command_profile, "profile", "--svg", "--for=1500ms", "--out", path, w.at);
    assert_int_equal(w.console.code, EXIT_FINE);
    console_has(contents(path), "<svg");
    console_has(contents(path), "CPU time, 1.5s");
    console_has(contents(path), "do_it");
    RUN(&w.console, command_profile, "profile", "--out", "/nonexistent/x", w.at);
    assert_int_equal(w.console.code, EXIT_FAILED);
    console_has(w.console.err, "weir profile: /nonexistent/x cannot be written: No such file or directory\n");
    given_pages_change(w.pages, "/profile", 200, "");
    RUN(&w.console, command_profile, "profile", "--for", "1.5s", w.at);
    assert_int_equal(w.console.code, EXIT_FINE);
    console_has(w.console.err, "no samples: nothing used CPU time");
    assert_int_equal(end(&w, last), 5);
    assert_string_equal(last, "/profile?seconds=1.500");
    (void)unlink(path);
}

/* --- when there is no such answer --- */

static int (*const commands[])(int argc, char **argv) = {command_stalls, command_advise, command_tasks,
                                                         command_profile, command_top};
static const char *const names[] = {"stalls", "advise", "tasks", "profile", "top"};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void expect_failure(struct world *w, size_t i, const char *address, const char *said)
{
    RUN(&w->console, commands[i], names[i], address);
    assert_int_equal(w->console.code, EXIT_FAILED);
    assert_string_equal(w->console.out, "");
    console_has(w->console.err, said);
    assert_int_equal(strncmp(w->console.err, "weir ", 5), 0);
}

static void an_answer_that_can_not_be_one_is_told(void **state)
{
    struct world w;

    (void)state;
    for (size_t i = 0; i < COMMANDS; i++) {
        begin(&w);
        given_pages_change(w.pages, NULL, 404, NULL);
        expect_failure(&w, i, w.at, " has no page /");
        given_pages_change(w.pages, NULL, 500, NULL);
        expect_failure(&w, i, w.at, "with status 500");
        given_pages_change(w.pages, NULL, 0, NULL);
        expect_failure(&w, i, w.at, "is not the admin address of a gateway, or the gateway has just ended");
        given_pages_change(w.pages, NULL, 200, "<h1>");
        if (commands[i] != command_profile)
            expect_failure(&w, i, w.at,
                           i == 0   ? "is not a list of stalls"
                           : i == 1 ? "is not valid JSON"
                           : i == 2 ? "is not a tree of tasks"
                                    : "/stats is not JSON");
        (void)end(&w, NULL);
    }
}

static void an_address_where_nothing_listens_is_told(void **state)
{
    char gone[32];
    struct world w;

    (void)state;
    begin(&w);
    (void)snprintf(gone, sizeof gone, "%s", w.at);
    (void)given_pages_close(w.pages, NULL);
    for (size_t i = 0; i < COMMANDS; i++) {
        expect_failure(&w, i, gone, "nothing answers at 127.0.0.1:");
        console_has(w.console.err, "is a gateway running with 'admin: 127.0.0.1:");
        expect_failure(&w, i, "unix:/nonexistent/admin", "nothing answers at unix:/nonexistent/admin");
        RUN(&w.console, commands[i], names[i], "no address");
        assert_int_equal(w.console.code, EXIT_USAGE);
        console_has(w.console.err,
                    "'no address' is not an address, expected HOST:PORT or unix:PATH of the admin address");
    }
    w.pages = given_pages_open(w.page, 0);
    (void)end(&w, NULL);
}

static void a_filter_that_is_too_long_is_wrong_usage(void **state)
{
    char filter[2048];
    struct world w;

    (void)state;
    memset(filter, 'x', sizeof filter - 1);
    filter[sizeof filter - 1] = '\0';
    begin(&w);
    RUN(&w.console, command_tasks, "tasks", "--filter", filter, w.at);
    assert_int_equal(w.console.code, EXIT_USAGE);
    console_has(w.console.err, "--filter is too long");
    assert_int_equal(end(&w, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stalls_are_told_with_all_that_is_known),
        cmocka_unit_test(advice_shows_only_what_had_traffic),
        cmocka_unit_test(tasks_are_drawn_as_the_options_ask),
        cmocka_unit_test(top_prints_once_where_there_is_no_terminal),
        cmocka_unit_test(a_profile_is_printed_drawn_or_kept),
        cmocka_unit_test(an_answer_that_can_not_be_one_is_told),
        cmocka_unit_test(an_address_where_nothing_listens_is_told),
        cmocka_unit_test(a_filter_that_is_too_long_is_wrong_usage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
