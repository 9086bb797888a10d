/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "app/metrics/counting.h"

static const char file[] = "listen: 127.0.0.1:0\n"
                           "admin: 127.0.0.1:0\n"
                           "routes:\n"
                           "  - {path: /a, respond: {body: a}}\n"
                           "  - path: /page\n"
                           "    gather:\n"
                           "      calls:\n"
                           "        - {name: near, url: \"http://127.0.0.1/x\"}\n"
                           "        - {name: six, url: \"http://[::1]:81/x\"}\n";

static uint64_t count_of(const struct snapshot_route *route, int status)
{
    for (size_t i = 0; i < route->outcomes.count; i++)
        if (route->outcomes.list[i].status == status && route->outcomes.list[i].method == 0)
            return route->outcomes.list[i].count;
    return UINT64_MAX;
}

/* A page shows everything counted before it was requested, however recent the last round is. */
static void totals_are_those_of_the_moment(void **state)
{
    struct gateway g;
    const struct snapshot *s;

    (void)state;
    begin(&g, file);
    for (uint64_t i = 1; i <= 3; i++) {
        answer(&g, 0, 200);
        answer(&g, 0, 500);
        s = collector_totals(g.collector);
        assert_int_equal(count_of(&s->routes[0], 200), i);
        assert_int_equal(count_of(&s->routes[0], 502), 0); /* expected of such a route */
        assert_int_equal(s->routes[0].requests.numbers[ROUTE_ERRORS], i);
        assert_int_equal(s->routes[0].requests.numbers[ROUTE_REPLY_BYTES], 20 * i);
        assert_int_equal(weir_meter_count(s->routes[0].requests.meter), 2 * i);
    }
    assert_false(s->runs);
    assert_false(s->ready);
    atomic_store(&g.status.ready, true);
    assert_true(collector_totals(g.collector)->ready);
    end(&g);
}

static void windows_are_those_of_the_moment(void **state)
{
    struct gateway g;
    const struct snapshot *s;

    (void)state;
    begin(&g, file);
    answer(&g, 0, 200);
    s = collector_windows(g.collector);
    assert_int_equal(s->routes[0].requests.last[LAST_10S].count, 1);
    answer(&g, 0, 503);
    s = collector_windows(g.collector);
    for (int span = 0; span < SERIES_SPANS; span++) {
        const struct series_window *w = &s->routes[0].requests.last[span];
        assert_int_equal(w->count, 2);
        assert_int_equal(w->numbers[ROUTE_ERRORS], 1);
        assert_true(w->mean_ms == 5);
        assert_true(w->p50_ms > 4.9 && w->p50_ms < 5.1 && w->p999_ms == w->p50_ms);
    }
    assert_int_equal(s->routes[1].requests.last[LAST_60S].count, 0);
    assert_true(s->routes[1].requests.last[LAST_60S].p50_ms == 0);
    end(&g);
}

static void gathers_belong_to_their_routes_and_origins(void **state)
{
    struct gateway g;
    const struct snapshot *s;
    struct gather_note *note = calloc(1, sizeof *note + 2 * sizeof note->ends[0]);

    (void)state;
    begin(&g, file);
    s = collector_windows(g.collector);
    assert_string_equal(s->routes[1].name, "/page");
    assert_string_equal(s->routes[1].kind, "gather");
    assert_ptr_equal(s->routes[1].partial, &s->gathers[0].partial);
    assert_null(s->routes[0].partial);
    assert_null(s->routes[2].kind); /* "none" */
    assert_int_equal(s->call_count, 2);
    assert_string_equal(s->calls[0].origin, "http://127.0.0.1:80");
    assert_string_equal(s->calls[1].origin, "http://[::1]:81");
    assert_non_null(note);
    note->settings = g.config.routes[1].settings;
    note->succeeded = 1;
    note->answered = true;
    note->ends[1].end = GATHER_CONNECT;
    gather_counts_add(g.gathers, note);
    s = collector_totals(g.collector);
    assert_int_equal(s->gather_calls[0].ends[GATHER_OK], 1);
    assert_int_equal(s->gather_calls[1].ends[GATHER_CONNECT], 1);
    assert_int_equal(s->routes[1].partial->numbers[0], 1);
    assert_int_equal(collector_windows(g.collector)->gathers[0].partial.last[LAST_10S].numbers[0], 1);
    free(note);
    end(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals_are_those_of_the_moment),
        cmocka_unit_test(windows_are_those_of_the_moment),
        cmocka_unit_test(gathers_belong_to_their_routes_and_origins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
