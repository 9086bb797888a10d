/* SPDX-License-Identifier: MIT */
/* Snapshots of several gateways: with one, pages are as the gateway's own; with several, sums. */
#include "metrics/joined.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/page_metrics.h"
#include "admin/page_stats.h"
#include "app/metrics/counting.h"

static const char first_file[] = "listen: 127.0.0.1:0\n"
                                 "admin: 127.0.0.1:0\n"
                                 "backends: {shop: {urls: \"http://127.0.0.1:1\"}}\n"
                                 "routes:\n"
                                 "  - {path: /a, respond: {body: a}}\n"
                                 "  - {path: /shop, proxy: {backend: shop, timeout: 1s}}\n"
                                 "  - path: /page\n"
                                 "    gather:\n"
                                 "      calls:\n"
                                 "        - {name: near, url: \"http://127.0.0.1/x\"}\n",
                  second_file[] = "listen: 127.0.0.1:0\n"
                                  "admin: 127.0.0.1:0\n"
                                  "routes:\n"
                                  "  - {path: /b, respond: {body: a}}\n"
                                  "  - {path: /a, respond: {body: a}}\n";

static void begin_ready(struct gateway *g, const char *file)
{
    begin(g, file);
    atomic_store(&g->status.ready, true);
}

static void report(struct joined *j, size_t place, struct gateway *g)
{
    struct text_out out;

    text_out_init(&out, TOTALS_BYTES_MAX);
    totals_write(&out, collector_all_totals(g->collector));
    assert_int_equal(out.err, 0);
    assert_int_equal(sums_take(joined_sums(j), place, (int)place + 1, &out.text), 0);
}

/* Cuts lines of a page that are of the process or the moment. */
static char *steady(const struct text_out *out)
{
    static const char *const moving[] = {"process_",        "weir_processes",     "weir_process_",
                                         "# HELP process",  "# TYPE process",     "# HELP weir_process",
                                         "# TYPE weir_pro", "weir_stall_seconds", NULL};
    char *kept = calloc(1, out->text.len + 1), *at = kept;
    const char *end = out->text.data + out->text.len;

    assert_non_null(kept);
    for (const char *line = out->text.data, *next; line < end; line = next) {
        bool moves = false;
        next = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;
        for (const char *const *m = moving; *m != NULL; m++)
            moves = moves || strncmp(line, *m, strlen(*m)) == 0;
        if (moves)
            continue;
        memcpy(at, line, (size_t)(next - line));
        at += next - line;
    }
    return kept;
}

/* /metrics of one process is the same, whoever writes it. */
static void one_process_is_shown_as_it_is(void **state)
{
    struct gateway g;
    struct joined *j;
    struct text_out own, joined;
    char *a, *b;

    (void)state;
    begin_ready(&g, first_file);
    assert_int_equal(joined_open(&g.config, &j), 0);
    for (int i = 0; i < 5; i++) {
        answer(&g, 0, 200);
        answer(&g, 1, 502);
        answer(&g, 2, 200);
    }
    joined_set_processes(j, &(struct joined_processes){.ready = 1});
    report(j, 0, &g);
    text_out_init(&own, 1 << 20);
    text_out_init(&joined, 1 << 20);
    page_metrics_write(&own, collector_totals(g.collector), true);
    page_metrics_write(&joined, joined_totals(j, NULL), true);
    a = steady(&own);
    b = steady(&joined);
    assert_string_equal(a, b);
    assert_non_null(strstr(b, "weir_requests_total{route=\"/a\",method=\"GET\",status=\"200\"} 5"));
    free(a);
    free(b);
    weir_buffer_free(&own.text);
    weir_buffer_free(&joined.text);
    joined_close(j);
    end(&g);
}

static const struct snapshot_route *route_of(const struct snapshot *s, const char *name)
{
    for (size_t i = 0; i < s->route_count; i++)
        if (strcmp(s->routes[i].name, name) == 0)
            return &s->routes[i];
    return NULL;
}

static void several_are_added_up(void **state)
{
    struct gateway g[3];
    const struct snapshot *s;
    struct joined *j;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        begin_ready(&g[i], first_file);
    assert_int_equal(joined_open(&g[0].config, &j), 0);
    s = joined_windows(j, NULL); /* before any has answered */
    assert_false(s->runs);
    assert_int_equal(s->route_count, 4);
    assert_string_equal(s->routes[3].name, "none");
    assert_int_equal(s->backend_count, 1);
    for (size_t i = 0; i < 3; i++) {
        for (size_t n = 0; n <= i; n++)
            answer(&g[i], 0, 500);
        report(j, i, &g[i]);
    }
    s = joined_windows(j, NULL);
    assert_int_equal(route_of(s, "/a")->requests.last[LAST_10S].count, 6);
    assert_int_equal(route_of(s, "/a")->requests.last[LAST_60S].numbers[ROUTE_ERRORS], 6);
    assert_true(route_of(s, "/a")->requests.last[LAST_60S].p50_ms > 4.9);
    assert_string_equal(route_of(s, "/page")->kind, "gather");
    assert_non_null(route_of(s, "/page")->partial);
    sums_end(joined_sums(j), 2); /* its counts stay */
    s = joined_totals(j, NULL);
    assert_int_equal(route_of(s, "/a")->requests.numbers[ROUTE_ERRORS], 6);
    joined_close(j);
    for (size_t i = 0; i < 3; i++)
        end(&g[i]);
}

/* After a reload: routes that are gone are in totals, and in windows while a process still has them. */
static void routes_that_are_gone_keep_their_totals(void **state)
{
    struct gateway before, after;
    const struct snapshot *s;
    struct joined *j;

    (void)state;
    begin_ready(&before, first_file);
    begin_ready(&after, second_file);
    assert_int_equal(joined_open(&before.config, &j), 0);
    answer(&before, 0, 200);
    answer(&before, 1, 502);
    report(j, 0, &before);
    assert_int_equal(joined_totals(j, NULL)->backend_count, 1);
    assert_int_equal(joined_configure(j, &after.config), 0);
    report(j, 1, &after);
    s = joined_windows(j, NULL);
    assert_string_equal(s->routes[0].name, "/b");
    assert_string_equal(s->routes[1].name, "/a");
    assert_int_equal(s->routes[1].requests.last[LAST_60S].count, 1); /* windows go on */
    assert_string_equal(s->routes[2].name, "none");
    assert_string_equal(route_of(s, "/shop")->kind, "proxy"); /* it drains */
    assert_int_equal(s->backend_count, 1);
    assert_string_equal(s->backends[0].options->name, "shop");
    sums_end(joined_sums(j), 0);
    config_free(&before.config); /* nothing of it is used any more */
    s = joined_windows(j, NULL);
    assert_null(route_of(s, "/shop"));
    assert_int_equal(s->backend_count, 0);
    s = joined_totals(j, NULL);
    assert_int_equal(route_of(s, "/shop")->requests.numbers[ROUTE_ERRORS], 1);
    assert_int_equal(s->backend_count, 1);
    before.config = (struct config){0};
    joined_close(j);
    end(&after);
    end(&before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_process_is_shown_as_it_is),
        cmocka_unit_test(several_are_added_up),
        cmocka_unit_test(routes_that_are_gone_keep_their_totals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
