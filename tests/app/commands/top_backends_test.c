/* SPDX-License-Identifier: MIT */
/* The backends of weir top. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/commands/top_frame_of.h"
#include "app/support/console.h"
#include "app/support/given_json.h"

#define WINDOW(rate, requests, errors, more)                                                                 \
    "'last_10s':{'rate':" #rate ",'requests':" #requests ",'errors':" #errors more "}"
#define INSTANCE(address, state, since, in_use, rate, errors, more)                                          \
    "{'address':'" address "','state':'" state "','since_s':" #since ",'in_use':" #in_use more               \
    "," WINDOW(rate, 100, errors, "") "}"
#define BACKEND(name, up, in_use, limit, rate, more, instances)                                              \
    "{'backend':'" name "','up':" #up ",'in_use':" #in_use ",'limit':" #limit ",'waiting':3" more            \
    "," WINDOW(rate, 200, 2, ",'refused':7,'reasons':{'limited':6,'busy':1}") ",'instances':[" instances     \
                                                                              "]}"

static const char stats[] = "{'version':'9.9','backends':[" BACKEND(
    "quick", 2, 5, 0, 900, "",
    INSTANCE("10.0.0.1:80", "up", 60, 1, 300, 0, "") "," INSTANCE(
        "10.0.0.2:80", "up", 61, 4, 600, 2,
        "")) "," BACKEND("orders", 1, 50, 50, 20, "",
                         INSTANCE("10.0.0.3:80", "up", 90, 50, 20, 0, ",'last_error':{'text':'old','age_s':9}") "," INSTANCE(
                             "10.0.0.4:80", "down", 12, 0, 0, 0,
                             ",'last_check':'connection refused'") "," INSTANCE("10.0.0.5:80", "ejected", 3,
                                                                                0, 1, 100,
                                                                                ",'last_error':{'"
                                                                                "text':'Bad "
                                                                                "Gateway','age_s':"
                                                                                "3}") "," INSTANCE("10.0.0.6:"
                                                                                                   "80",
                                                                                                   "gone", 2,
                                                                                                   1, 1, 0,
                                                                                                   "")) "]}";

static struct top_view view_of(const char *text)
{
    return (struct top_view){.address = "127.0.0.1:8081", .stats = given_json(text)};
}

static void end(struct top_view *view, char *text)
{
    json_decref((json_t *)(uintptr_t)view->stats);
    free(text);
}

static void stand_in_this_order(const char *text, const char *const *words)
{
    const char *at = text;

    for (; *words != NULL; words++) {
        at = strstr(at, *words);
        if (at == NULL)
            fail_msg("'%s' does not stand there, or not behind the one before, in:\n%s", *words, text);
    }
}

#define IN_ORDER(text, ...) stand_in_this_order(text, (const char *const[]){__VA_ARGS__, NULL})

static void instances_stand_below_their_backend(void **state)
{
    struct top_view view = view_of(stats);
    char *text = frame_of(&view, 0);

    (void)state;
    IN_ORDER(text, "BACKEND, its instances", "orders", "  10.0.0.5:80", "  10.0.0.4:80", "  10.0.0.3:80",
             "  10.0.0.6:80", "quick", "  10.0.0.2:80", "  10.0.0.1:80");
    console_has(text, "20    1.0 %    50/50      1/3        3        7  limited\n");
    console_has(text, "900    1.0 %        5      2/2        3        7  limited\n");
    console_has(text, "0        0        0  down 12 s: connection refused\n");
    console_has(text, "1.0    100 %        0  ejected 3 s: Bad Gateway\n");
    console_has(text, "20        0       50  up 1 min\n"); /* what was wrong with it is over */
    console_has(text, "  gone 2 s\n");
    end(&view, text);
}

static void faults_of_a_backend_are_said(void **state)
{
    static const char faulty[] = "{'backends':[" BACKEND(
        "broken", 1, 0, 0, 1, ",'open':true,'open_s':125",
        INSTANCE("a:1", "up", 1, 0, 1, 0, "")) "," BACKEND("dark", 0, 0, 0, 1, ",'panics':true",
                                                           INSTANCE("b:1", "down", 1, 0, 1, 0, "")) "]}";
    struct top_view view = view_of(faulty);
    char *text = frame_of(&view, 0);

    (void)state;
    console_has(text, "  open for 2 min");
    console_has(text, "  all out, all asked\n");
    end(&view, text);
}

#define ATTEMPTS                                                                                             \
    "'attempts':{'first':2000,'hedged':102,'won':62,'retried':8,'denied':12,'reasons':{'busy':2,'budget':"   \
    "10}}"

static void second_attempts_stand_below_their_backend(void **state)
{
    struct top_view view = view_of(
        "{'backends':["
        "{'backend':'a','up':1,'hedges':true,'retries':true,'limit_is_auto':true,'limit':97,'in_use':12,"
        "'hedge_after_ms':41.2,'last_10s':{'rate':30," ATTEMPTS "},'instances':[]},"
        "{'backend':'b','up':1,'hedges':true,'hedge_after_ms':null,"
        "'last_10s':{'rate':20,'attempts':{'first':0,'hedged':0,'won':0,'denied':0}}},"
        "{'backend':'c','up':1,'limit':4,'last_10s':{'rate':10," ATTEMPTS "}}]}");
    char *text = frame_of(&view, 0);

    (void)state;
    console_has(
        text, "\n  hedged 5.1 % after 41.2 ms, 61 % won  retried 0.4 %  denied 12: budget  limit 97, auto\n");
    console_has(text, "12/97");
    console_has(text, "\n  hedged 0 %\n"); /* nothing is known yet */
    IN_ORDER(text, "\na ", "61 % won", "\nb ", "hedged 0 %", "\nc ");
    console_lacks(strstr(text, "\nc "), "hedged"); /* it is off */
    end(&view, text);
    view = view_of("{'backends':[{'backend':'a','up':0,'hedges':true,'instances':["
                   "{'address':'b:1','state':'down','since_s':1}]}]}");
    text = frame_of(&view, 0);
    IN_ORDER(text, "\na ", "b:1", "hedged"); /* the fault comes first */
    end(&view, text);
}

static size_t columns_of(const char *line)
{
    size_t columns = 0;

    for (; *line != '\n' && *line != '\0'; line++)
        columns += (*line & 0xc0) != 0x80;
    return columns;
}

static void on_a_narrow_terminal_all_fits(void **state)
{
    struct top_view view = view_of(stats);
    char *text;

    (void)state;
    view.has_keys = true;
    view.height = 24;
    text = frame_of(&view, 80);
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
        if (columns_of(line) > 80)
            fail_msg("%zu columns: %s", columns_of(line), line);
    console_has(text, "0        0        0  down 12 s: connecti");
    console_has(text, "20    1.0 %    50/50      1/3        3        7\n");
    end(&view, text);
}

static void many_instances_are_counted(void **state)
{
    json_t *instances, *instance;
    struct top_view view = view_of(stats);
    char *text;

    (void)state;
    instances = (json_t *)(uintptr_t)json_at(view.stats, "backends.0.instances");
    instance = json_array_get(instances, 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(json_array_append(instances, instance), 0);
    text = frame_of(&view, 0);
    console_lacks(text, " more\n"); /* six */
    free(text);
    assert_int_equal(json_array_append(instances, instance), 0);
    text = frame_of(&view, 0);
    IN_ORDER(text, "quick", "10.0.0.2:80", "  and 2 more\n");
    free(text);
    view.height = 5;
    text = frame_of(&view, 80);
    console_has(text, "and 11 more\n"); /* rows of the section */
    free(text);
    view.height = 3;
    text = frame_of(&view, 80);
    console_has(text, "no room for 2 backends\n");
    end(&view, text);
}

static void missing_figures_are_dashes(void **state)
{
    struct top_view view =
        view_of("{'backends':[{'backend':'x'},{'backend':'y','instances':[{'address':'a:1'}]},{}]}");
    char *text = frame_of(&view, 0);

    (void)state;
    IN_ORDER(text, "x  ", "y  ", "a:1");
    console_has(text, "–");
    console_lacks(text, "nan");
    end(&view, text);
    view = view_of("{'version':'0'}"); /* an older gateway */
    text = frame_of(&view, 0);
    console_lacks(text, "BACKEND");
    end(&view, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instances_stand_below_their_backend),
        cmocka_unit_test(faults_of_a_backend_are_said),
        cmocka_unit_test(on_a_narrow_terminal_all_fits),
        cmocka_unit_test(many_instances_are_counted),
        cmocka_unit_test(missing_figures_are_dashes),
        cmocka_unit_test(second_attempts_stand_below_their_backend),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
