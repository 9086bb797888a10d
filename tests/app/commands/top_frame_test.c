/* SPDX-License-Identifier: MIT */
#include "app/commands/top_frame_of.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/support/console.h"
#include "app/support/given_json.h"

#define LATENCIES(p50, p99, p999) "'p50':" #p50 ",'p90':" #p99 ",'p99':" #p99 ",'p999':" #p999
#define WINDOWS(now, minute) "'last_10s':{" now "},'last_60s':{" minute "}"
#define ROUTE(name, kind, rate, requests, errors, p99)                                                       \
    "{'route':'" name "','kind':'" kind                                                                      \
    "'," WINDOWS("'rate':" #rate ",'requests':" #requests ",'errors':" #errors "," LATENCIES(1.5, p99, 80),  \
                 "'rate':7.25,'requests':100,'errors':0," LATENCIES(2, 3, 4)) "}"
#define QUIET "'requests':0,'errors':0," LATENCIES(null, null, null) ",'reasons':{}"
#define ORIGIN(name, failing, rate, errors, reasons, more)                                                   \
    "{'origin':'" name "','failing':" failing ",'connections':3,'waiting':1" more                            \
    "," WINDOWS("'rate':" #rate ",'requests':100,'errors':" #errors                                          \
                "," LATENCIES(0.5, 12.25, 20) ",'reasons':{" reasons "}",                                    \
                QUIET) "}"

static const char stats[] =
    "{'version':'9.9','uptime_s':3725,'draining':false,'connections':12,'exchanges':4,'tasks':31,"
    "'refused':{'last_10s':{'requests':0,'refused':0,'reasons':{}},'last_60s':{'requests':200,'refused':82,"
    "'reasons':{'queueing':80,'pool_full':2}}},"
    "'unserved':{'half_sent':0,'last_10s':{'count':0,'reasons':{}},'last_60s':{'count':140,'reasons':{'head_"
    "timeout':120,"
    "'client_limit':20}},'clients':[{'address':'10.0.0.9','half_sent':3}]},"
    "'routes':[" ROUTE("/slow", "gather", 1.5, 15, 3, 70) "," ROUTE(
        "/fast", "respond", 900, 9000, 0,
        0.25) "],"
              "'origins':[" ORIGIN("http://fine:80", "false", 50, 0, "", "") "," ORIGIN(
                  "http://dead:80", "true", 2, 60, "'timeout':20,'connect':40",
                  ",'last_error':{'text':'connection refused','age_s':1}") "],"
                                                                           "'loops':[{'loop':0,'tasks':30,'"
                                                                           "ready':2,'busy':0.95," WINDOWS(
                                                                               "'busy':0.5,'off_cpu':0."
                                                                               "4," LATENCIES(0, 0.2, 9),
                                                                               "'busy':0.5,'off_cpu':"
                                                                               "0," LATENCIES(
                                                                                   0, 0.1,
                                                                                   8)) "}],"
                                                                                       "'pools':[{'pool':'"
                                                                                       "compute','workers':2,"
                                                                                       "'busy':1,'queued':64,"
                                                                                       "'queue_max':64,'"
                                                                                       "refused':5," WINDOWS(
                                                                                           "'rate':3.5,'"
                                                                                           "queue':{'p99':"
                                                                                           "120},'run':{'p99'"
                                                                                           ":45.6},'refused':"
                                                                                           "4",
                                                                                           "'rate':3") "}]}";

static const char stalls[] =
    "[{'task':'GET /slow','loop':0,'kind':'blocked','held_ms':312.5,'count':3,'last':1000,"
    "'stack':['fsync disk.c:7','main m.c:1']}]";

static struct top_view view_of(const char *text)
{
    return (struct top_view){
        .address = "127.0.0.1:8081", .stats = given_json(text), .stalls = given_json(stalls), .now_s = 1005};
}

static void end(struct top_view *view)
{
    json_decref((json_t *)(uintptr_t)view->stats);
    json_decref((json_t *)(uintptr_t)view->stalls);
}

static void expect(struct top_view *view, int width, const char *const *texts)
{
    char *text = frame_of(view, width);

    for (; *texts != NULL; texts++)
        console_has(text, *texts);
    free(text);
}

#define EXPECT(view, width, ...) expect(view, width, (const char *const[]){__VA_ARGS__, NULL})

/* --- the lines --- */

static void the_top_sums_all_routes_up(void **state)
{
    struct top_view view = view_of(stats);

    (void)state;
    EXPECT(&view, 0, "weir 9.9 at 127.0.0.1:8081   up 1 h 2 min   live\n",
           "902 requests/s   <0.1 % errors   4 in progress   12 connections   31 tasks\n");
    view.paused = true;
    EXPECT(&view, 0, "   paused\n");
    view.problem = "connection refused";
    EXPECT(&view, 0, "   NO ANSWER: connection refused\n");
    end(&view);
}

static void each_section_has_its_figures(void **state)
{
    struct top_view view = view_of(stats);
    char *text = frame_of(&view, 0);

    (void)state;
    console_has(text, "95 %"); /* the loop's busy */
    console_has(text, "1.5     20 %     1.50     70.0     80.0  gather\n");
    console_has(text, "900        0     1.50     0.25     80.0  respond\n");
    console_has(text, "1/2    64/64      3.5      120     45.6        4\n");
    console_has(text, "50        0        3        1     0.50     12.2\n");
    console_has(text, "60 %        3        1     0.50     12.2  connect: connection refused\n");
    console_has(text, "blocked    GET /slow held loop 0 for 312 ms, 3×, 5 s ago  in fsync disk.c:7\n");
    free(text);
    end(&view);
}

#define TLS(rate, handshakes, resumed, failed, days)                                                         \
    "'tls':[{'side':'listener','name':'0.0.0.0:443'," WINDOWS(                                               \
        "'rate':" #rate ",'handshakes':" #handshakes ",'resumed':" #resumed ",'failed':" #failed             \
        ",'reasons':{'plain':1,'expired':6}",                                                                \
        "") ",'certificates':[{'names':'late.test','days':90},{'names':'a.test, b.test','days':" #days       \
            "}]},"                                                                                           \
            "{'side':'others','name':''," WINDOWS("'rate':1,'handshakes':10,'resumed':0,'failed':0",         \
                                                  "") ",'certificates':[]}]"

static void tls_has_figures_and_a_line_for_what_is_wrong(void **state)
{
    struct top_view view = view_of("{" TLS(19, 190, 100, 1, 45.2) "}");
    char *text = frame_of(&view, 0);

    (void)state;
    console_has(text, "   live   TLS 20/s, 50 % resumed\n");
    assert_null(strstr(text, "certificate"));
    assert_null(strstr(text, "failed"));
    free(text);
    end(&view);
    view = view_of("{" TLS(0, 0, 0, 7, 13.5) "}");
    EXPECT(&view, 0, "   live   TLS 1.0/s, 0 % resumed\n",
           "7 handshakes of TLS failed: expired   certificate of a.test expires in 13 d 12 h\n");
    end(&view);
    view = view_of("{'tls':[{'side':'listener','name':'0.0.0.0:443'," WINDOWS(
        "'rate':0,'handshakes':0,'resumed':0,'failed':2,'reasons':{'none':2}", "") ",'certificates':[]}]}");
    EXPECT(&view, 0, "2 handshakes of TLS failed: no certificate\n");
    end(&view);
    view = view_of("{" TLS(0, 190, 0, 0, -1) "}");
    EXPECT(&view, 0, "certificate of a.test expired\n");
    end(&view);
    view = view_of("{'tls':[]}");
    EXPECT(&view, 0, "   live\n");
    end(&view);
}

static void order_of(struct top_view *view, const char *first, const char *second)
{
    char *text = frame_of(view, 0);
    const char *a = strstr(text, first), *b = strstr(text, second);

    if (a == NULL || b == NULL || a > b)
        fail_msg("'%s' does not stand before '%s' in:\n%s", first, second, text);
    free(text);
}

static void routes_are_sorted_and_failing_origins_come_first(void **state)
{
    struct top_view view = view_of(stats);

    (void)state;
    order_of(&view, "/fast", "/slow");
    order_of(&view, "http://dead:80", "http://fine:80");
    view.sort = TOP_BY_P99;
    order_of(&view, "ROUTE, by p99", "/slow");
    order_of(&view, "/slow", "/fast");
    view.sort = TOP_BY_ERRORS;
    order_of(&view, "ROUTE, by errors", "/slow");
    order_of(&view, "/slow", "/fast");
    view.sort = TOP_AS_LISTED;
    order_of(&view, "/slow", "/fast");
    end(&view);
}

static void what_stands_out_has_a_line_at_the_top(void **state)
{
    struct top_view view = view_of(stats);
    char *text = frame_of(&view, 0);

    (void)state;
    console_lacks(text, "refused by");
    console_lacks(text, "half-sent");
    console_has(text, "no CPU for 80 % of the time that the loops wanted it: see 'weir advise'\n");
    free(text);
    view.last_60s = true;
    text = frame_of(&view, 0);
    console_has(text, "41 % refused: queueing 80, pool_full 2\n");
    console_has(text, "half-sent heads: 0 now, 120 timed out; 20 connections over their client's limit; most "
                      "from 10.0.0.9\n");
    console_lacks(text, "no CPU");
    free(text);
    end(&view);
}

static void on_a_narrow_terminal_the_reason_takes_the_place_of_latencies(void **state)
{
    struct top_view view = view_of(stats);
    char *text = frame_of(&view, 80);

    (void)state;
    console_has(text, "60 %        3        1  connect\n");
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        size_t columns = 0;
        for (const char *at = line; *at != '\n'; at++)
            columns += (*at & 0xc0) != 0x80;
        if (columns > 80)
            fail_msg("%zu columns: %s", columns, line);
    }
    free(text);
    end(&view);
}

static void no_figure_is_cut(const char *text)
{
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        const size_t length = strcspn(line, "\n");

        if (strncmp(line, "ROUTE", 5) == 0 || strncmp(line, "POOL", 4) == 0)
            assert_null(memmem(line, length, "…", strlen("…")));
    }
}

static void whole_figures_are_left_out_the_least_worth_first(void **state)
{
    struct top_view view = view_of(stats);
    char *text = frame_of(&view, 60);

    (void)state;
    console_has(text, "ROUTE, by rate               RATE/s   ERRORS   p99 ms\n");
    console_has(text, "900        0     0.25\n");
    console_has(text, "1.5     20 %     70.0\n");
    console_has(text, "TASKS  LAG p50   p99 ms\n");
    console_has(text, "BUSY   QUEUED  REFUSED\n");
    console_has(text, "1/2    64/64        4\n");
    console_has(text, "60 %  connect\n");
    free(text);
    for (int width = 26; width < 90; width++) {
        text = frame_of(&view, width);
        no_figure_is_cut(text);
        free(text);
    }
    text = frame_of(&view, 36);
    console_has(text, "   ERRORS\n");
    free(text);
    end(&view);
}

static void what_has_no_room_is_counted(void **state)
{
    struct top_view view = view_of(stats);
    char *text;

    (void)state;
    view.has_keys = true;
    view.height = 11;
    view.focus = TOP_ROUTES;
    text = frame_of(&view, 0);
    console_has(text, "no room for 1 loops, 1 pools, 2 origins\n");
    console_has(text, "> ROUTE");
    console_has(text, "q quit  r rate 9 p99 e errors l listed  w last 10 s  p pause  Tab/arrows scroll\n");
    free(text);
    view.height = 13;
    view.offset[TOP_ORIGINS] = 100;
    view.focus = TOP_ORIGINS;
    free(frame_of(&view, 0));
    assert_true(view.offset[TOP_ORIGINS] <= 2); /* limited to the origins that there are */
    end(&view);
}

static void a_section_that_does_not_fit_says_how_many_are_missing(void **state)
{
    json_t *routes, *route;
    struct top_view view = view_of(stats);
    char *text;

    (void)state;
    routes = json_object_get(view.stats, "routes");
    route = json_array_get(routes, 1);
    for (int i = 0; i < 40; i++)
        assert_int_equal(json_array_append(routes, route), 0);
    view.has_keys = true;
    view.focus = TOP_ROUTES;
    view.height = 30;
    view.offset[TOP_ROUTES] = 5;
    text = frame_of(&view, 0);
    console_has(text, "5 above, and ");
    console_has(text, " more\n");
    free(text);
    end(&view);
}

/* An answer with nothing in it is drawn all the same: a gateway that has just begun, or an older one. */
static void missing_figures_are_dashes(void **state)
{
    struct top_view view =
        view_of("{'version':'0','routes':[{'route':'/x'}],'origins':[{'origin':'o'}],'pools':[{'pool':'p'}],"
                "'loops':[{'loop':0}]}");
    char *text;

    (void)state;
    text = frame_of(&view, 0);
    console_has(text, "/x");
    console_has(text, "–");
    console_lacks(text, "nan");
    free(text);
    end(&view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_top_sums_all_routes_up),
        cmocka_unit_test(each_section_has_its_figures),
        cmocka_unit_test(tls_has_figures_and_a_line_for_what_is_wrong),
        cmocka_unit_test(routes_are_sorted_and_failing_origins_come_first),
        cmocka_unit_test(what_stands_out_has_a_line_at_the_top),
        cmocka_unit_test(on_a_narrow_terminal_the_reason_takes_the_place_of_latencies),
        cmocka_unit_test(whole_figures_are_left_out_the_least_worth_first),
        cmocka_unit_test(what_has_no_room_is_counted),
        cmocka_unit_test(a_section_that_does_not_fit_says_how_many_are_missing),
        cmocka_unit_test(missing_figures_are_dashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
