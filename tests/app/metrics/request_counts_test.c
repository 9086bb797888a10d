/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "config/load.h"
#include "metrics/request_totals.h"
#include "routes/table.h"

static const char file[] = "listen: 127.0.0.1:0\n"
                           "routes:\n"
                           "  - {path: /a, methods: [GET], respond: {body: a}}\n"
                           "  - {path: /b, sleep: {for: 1ms}}\n"
                           "  - {path: /a, methods: [POST], respond: {body: b}}\n";

struct gateway {
    struct config config;
    struct request_counts *counts;
    struct request_counts_loop *loops[2];
};

static struct gateway begin(void)
{
    struct config_faults faults;
    struct gateway g = {0};

    config_faults_open(&faults, "test.yaml");
    assert_int_equal(config_parse(&g.config, file, sizeof file - 1, &route_kinds, &faults), 0);
    assert_int_equal(request_counts_open(&g.config, &g.counts), 0);
    for (int i = 0; i < 2; i++)
        assert_non_null(g.loops[i] = request_counts_loop_open(g.counts));
    return g;
}

static void end(struct gateway *g)
{
    request_counts_free(g->counts);
    config_free(&g->config);
}

/* The record that a server would pass for route number i; -1: no route. */
static weir_exchange_record exchange(const struct gateway *g, int route, const char *method, int status)
{
    return (weir_exchange_record){
        .method = method,
        .target = "/",
        .route = route < 0 ? "" : g->config.routes[route].path,
        .data = route < 0 ? NULL : (void *)(uintptr_t)&g->config.routes[route],
        .status = status,
        .complete = status != 0,
        .request_bytes = 3,
        .reply_bytes = 10,
        .took = weir_ms(5),
    };
}

static uint64_t count_of(const struct request_outcomes *met, const char *method, int status)
{
    for (size_t i = 0; i < met->count; i++)
        if (met->list[i].status == status && strcmp(request_methods[met->list[i].method], method) == 0)
            return met->list[i].count;
    return 0;
}

static void count(struct gateway *g, int loop, weir_exchange_record record)
{
    request_counts_add(g->loops[loop], &record);
}

static void routes_with_one_path_are_one(void **state)
{
    struct gateway g = begin();

    (void)state;
    assert_int_equal(request_counts_labels(g.counts), 3);
    assert_string_equal(request_counts_label_name(g.counts, 0), "/a");
    assert_string_equal(request_counts_label_kind(g.counts, 0), "respond");
    assert_string_equal(request_counts_label_name(g.counts, 1), "/b");
    assert_string_equal(request_counts_label_kind(g.counts, 1), "sleep");
    assert_string_equal(request_counts_label_name(g.counts, 2), "none");
    assert_null(request_counts_label_kind(g.counts, 2));
    end(&g);
}

static void all_loops_are_added_up(void **state)
{
    static struct request_totals route;
    static struct request_outcomes met;
    struct gateway g = begin();

    (void)state;
    count(&g, 0, exchange(&g, 0, "GET", 200));
    count(&g, 0, exchange(&g, 0, "GET", 200));
    count(&g, 1, exchange(&g, 0, "GET", 200));
    count(&g, 1, exchange(&g, 2, "POST", 201));
    count(&g, 1, exchange(&g, 1, "GET", 503));
    request_counts_read(g.counts, 0, &route);
    request_counts_read_outcomes(g.counts, 0, &met);
    assert_int_equal(met.count, 2);
    assert_int_equal(count_of(&met, "GET", 200), 3);
    assert_int_equal(count_of(&met, "POST", 201), 1);
    assert_int_equal(route.request_bytes, 12);
    assert_int_equal(route.reply_bytes, 40);
    assert_int_equal(route.errors, 0);
    assert_int_equal(weir_meter_count(&route.took), 4);
    assert_int_equal(route.took.sum_ns, 20000000);
    request_counts_read(g.counts, 1, &route);
    request_counts_read_outcomes(g.counts, 1, &met);
    assert_int_equal(count_of(&met, "GET", 503), 1);
    assert_int_equal(route.errors, 1);
    request_counts_read(g.counts, 2, &route);
    request_counts_read_outcomes(g.counts, 2, &met);
    assert_int_equal(met.count, 0);
    end(&g);
}

static void leaving_and_breaking_off_are_told_apart(void **state)
{
    static struct request_totals route;
    static struct request_outcomes met;
    struct gateway g = begin();
    weir_exchange_record cut = exchange(&g, 1, "GET", 200);

    (void)state;
    cut.complete = false;
    count(&g, 0, cut);
    count(&g, 0, exchange(&g, 1, "GET", 0));
    request_counts_read(g.counts, 1, &route);
    request_counts_read_outcomes(g.counts, 1, &met);
    assert_int_equal(count_of(&met, "GET", 200), 1);
    assert_int_equal(count_of(&met, "GET", REQUEST_CLIENT_LEFT), 1);
    assert_int_equal(route.cut, 1);
    assert_int_equal(route.errors, 0);
    end(&g);
}

static void requests_that_share_a_bucket_are_counted_by_route(void **state)
{
    static struct request_totals a, b;
    struct gateway g = begin();

    (void)state;
    for (int i = 0; i < 3; i++)
        request_counts_add_rate_shared(g.loops[i % 2], &g.config.routes[i]);
    request_counts_read(g.counts, 0, &a);
    request_counts_read(g.counts, 1, &b);
    assert_int_equal(a.rate_shared, 2); /* two routes of one name */
    assert_int_equal(b.rate_shared, 1);
    end(&g);
}

static void every_method_has_its_name_and_the_others_one(void **state)
{
    static const char *const methods[] = {"GET",   "HEAD",    "POST",    "PUT",   "DELETE",
                                          "PATCH", "OPTIONS", "CONNECT", "TRACE", "PROPFIND",
                                          "get",   "G",       "",        "GETT",  "other"};
    static struct request_totals route;
    static struct request_outcomes met;
    struct gateway g = begin();

    (void)state;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        count(&g, 0, exchange(&g, 1, methods[i], 200));
    request_counts_read(g.counts, 1, &route);
    request_counts_read_outcomes(g.counts, 1, &met);
    assert_int_equal(met.count, REQUEST_METHODS);
    for (int i = 0; i < 9; i++)
        assert_int_equal(count_of(&met, methods[i], 200), 1);
    assert_int_equal(count_of(&met, "other", 200), 6);
    end(&g);
}

static void refusals_have_their_reasons(void **state)
{
    static struct request_totals route;
    static struct request_outcomes met;
    struct gateway g = begin();
    weir_exchange_record record = exchange(&g, -1, "GET", 404);

    (void)state;
    record.refused = "not_found";
    count(&g, 0, record);
    count(&g, 1, record);
    record = exchange(&g, 0, "GET", 503);
    record.refused = "queueing";
    count(&g, 1, record);
    record.refused = "a reason nobody knows yet";
    count(&g, 1, record);
    assert_true(request_refusal_count() < REQUEST_REFUSALS_MAX); /* there is room for each */
    request_counts_read(g.counts, 0, &route);
    for (size_t i = 0; i < request_refusal_count(); i++) {
        const char *reason = weir_refusal_at(i)->reason;
        assert_int_equal(route.refused[i], strcmp(reason, "queueing") == 0 || strcmp(reason, "other") == 0);
    }
    request_counts_read(g.counts, 2, &route);
    for (size_t i = 0; i < request_refusal_count(); i++)
        assert_int_equal(route.refused[i], strcmp(weir_refusal_at(i)->reason, "not_found") == 0 ? 2 : 0);
    request_counts_read_outcomes(g.counts, 2, &met);
    assert_int_equal(count_of(&met, "GET", 404), 2);
    end(&g);
}

/* The first error of a route increases a series that exists from the start. */
static void what_can_be_expected_is_there_from_the_start(void **state)
{
    static struct request_outcomes met;
    struct gateway g = begin();
    size_t before;

    (void)state;
    count(&g, 0, exchange(&g, 0, "GET", 500));
    request_counts_read_outcomes(g.counts, 0, &met);
    request_counts_add_expected(g.counts, 0, &met);
    assert_int_equal(met.count, 2 * 6); /* GET and POST, which the two routes of this path take */
    assert_int_equal(count_of(&met, "GET", 500), 1);
    before = met.count;
    request_counts_add_expected(g.counts, 0, &met);
    assert_int_equal(met.count, before);
    request_counts_read_outcomes(g.counts, 2, &met);
    request_counts_add_expected(g.counts, 2, &met);
    assert_true(met.count > 0);
    for (size_t i = 0; i < met.count; i++)
        assert_true(met.list[i].count == 0 && met.list[i].status >= 400);
    end(&g);
}

/* A backend may answer with any status: those without a slot are counted together, and none is lost. */
static void statuses_without_end_take_no_memory_without_end(void **state)
{
    static struct request_totals route;
    static struct request_outcomes met;
    struct gateway g = begin();
    uint64_t sum = 0;

    (void)state;
    for (int status = 100; status < 600; status++) {
        count(&g, 0, exchange(&g, 1, "GET", status));
        count(&g, 1, exchange(&g, 1, "PUT", 699 - status));
    }
    request_counts_read(g.counts, 1, &route);
    request_counts_read_outcomes(g.counts, 1, &met);
    for (size_t i = 0; i < met.count; i++)
        sum += met.list[i].count;
    assert_int_equal(sum, 1000);
    assert_int_equal(met.count, 2 * REQUEST_STATUSES_MAX + 1);
    assert_int_equal(count_of(&met, "GET", 100), 1);
    assert_int_equal(count_of(&met, "PUT", 599), 1);
    assert_int_equal(count_of(&met, "other", 0), 1000 - 2 * REQUEST_STATUSES_MAX);
    end(&g);
}

/* Totals never decrease; also a test for TSan. */
enum { TIMES = 20000 };

static void *count_many(void *arg)
{
    struct gateway *g = arg;

    for (int i = 0; i < TIMES; i++)
        count(g, 0, exchange(g, i % 3, i % 2 ? "GET" : "PUT", 200 + i % 7));
    return NULL;
}

static void it_can_be_read_at_any_moment(void **state)
{
    static struct request_totals route;
    static struct request_outcomes met;
    struct gateway g = begin();
    pthread_t thread;
    uint64_t before = 0;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, count_many, &g), 0);
    while (before < TIMES) {
        uint64_t sum = 0;
        for (size_t i = 0; i < request_counts_labels(g.counts); i++) {
            request_counts_read(g.counts, i, &route);
            request_counts_read_outcomes(g.counts, i, &met);
            for (size_t k = 0; k < met.count; k++)
                sum += met.list[k].count;
        }
        assert_true(sum >= before);
        before = sum;
    }
    pthread_join(thread, NULL);
    assert_int_equal(before, TIMES);
    end(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_with_one_path_are_one),
        cmocka_unit_test(all_loops_are_added_up),
        cmocka_unit_test(leaving_and_breaking_off_are_told_apart),
        cmocka_unit_test(requests_that_share_a_bucket_are_counted_by_route),
        cmocka_unit_test(every_method_has_its_name_and_the_others_one),
        cmocka_unit_test(refusals_have_their_reasons),
        cmocka_unit_test(what_can_be_expected_is_there_from_the_start),
        cmocka_unit_test(statuses_without_end_take_no_memory_without_end),
        cmocka_unit_test(it_can_be_read_at_any_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
