/* SPDX-License-Identifier: MIT */
/* Which requests are outliers: by the key slow of their route, and by what has been learned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/metrics/counting.h"
#include "metrics/request_outliers.h"
#include "metrics/request_totals.h"

static const char file[] = "listen: 127.0.0.1:0\nadmin: 127.0.0.1:1\nroutes:\n"
                           "  - {path: /a, methods: [GET], respond: {body: a}, slow: 100ms}\n"
                           "  - {path: /a, methods: [POST], respond: {body: a}, slow: 300ms}\n"
                           "  - {path: /b, respond: {body: b}}\n";

static struct gateway g;

static void take(void *arg, struct request_counts_loop *loop, const weir_exchange_record *record)
{
    (void)loop, (void)record;
    *(bool *)arg = true;
}

/* Counts a request. Returns: why it is an outlier; REQUEST_OUTLIERS: it is none. */
static enum request_outlier outcome_of(int route, int status, weir_duration took, weir_duration *limit)
{
    const weir_exchange_record record = {
        .method = "GET",
        .target = "/",
        .route = route < 0 ? "" : g.config.routes[route].path,
        .data = route < 0 ? NULL : (void *)(uintptr_t)&g.config.routes[route],
        .status = status,
        .complete = true,
        .took = took,
    };

    bool taken = false;

    request_outliers_to(g.requests, take, &taken);
    request_counts_add(g.requests, &record);
    if (!taken)
        return REQUEST_OUTLIERS;
    return request_outlier_reason(g.requests, &record, limit);
}

static enum request_outlier outcome(int route, weir_duration took, weir_duration *limit)
{
    return outcome_of(route, 200, took, limit);
}

static void the_key_of_the_route_decides(void **state)
{
    weir_duration limit = {0};

    (void)state;
    begin(&g, file);
    assert_int_equal(outcome(0, weir_ms(100), &limit), REQUEST_OUTLIERS);
    assert_int_equal(outcome(0, weir_ms(101), &limit), REQUEST_OUTLIER_SLOW);
    assert_int_equal(limit.ns, weir_ms(100).ns);
    assert_int_equal(outcome(1, weir_ms(299), &limit),
                     REQUEST_OUTLIERS); /* though its path has a lesser one */
    assert_int_equal(outcome(1, weir_ms(301), &limit), REQUEST_OUTLIER_SLOW);
    assert_int_equal(outcome(2, weir_seconds(100), &limit), REQUEST_OUTLIERS);
    assert_int_equal(outcome(-1, weir_seconds(100), &limit), REQUEST_OUTLIERS);
    assert_int_equal(outcome_of(0, 500, weir_ms(101), &limit), REQUEST_OUTLIER_SLOW);
    assert_int_equal(outcome_of(0, 101, weir_seconds(100), &limit), REQUEST_OUTLIERS); /* a tunnel lasts */
    end(&g);
}

static void what_is_learned_decides_from_then_on(void **state)
{
    weir_duration limit = {0};

    (void)state;
    begin(&g, file);
    request_counts_learn(g.status.requests, 1, weir_ms(20));
    assert_int_equal(outcome(2, weir_ms(20), &limit), REQUEST_OUTLIERS);
    assert_int_equal(outcome(2, weir_ms(21), &limit), REQUEST_OUTLIER_LEARNED);
    assert_int_equal(limit.ns, weir_ms(20).ns);
    request_counts_learn(g.status.requests, 0, weir_ms(200));
    assert_int_equal(outcome(0, weir_ms(150), &limit), REQUEST_OUTLIER_SLOW);
    assert_int_equal(outcome(1, weir_ms(150), &limit), REQUEST_OUTLIERS);
    assert_int_equal(outcome(1, weir_ms(250), &limit), REQUEST_OUTLIER_LEARNED);
    request_counts_learn(g.status.requests, 1, (weir_duration){-1}); /* and again, nothing is known */
    assert_int_equal(outcome(2, weir_seconds(100), &limit), REQUEST_OUTLIERS);
    end(&g);
}

static void a_limit_is_learned_from_a_thousand_on(void **state)
{
    static weir_meter meter;
    weir_duration limit;

    (void)state;
    weir_meter_record_many(&meter, weir_ms(10), 998);
    weir_meter_record(&meter, weir_ms(80));
    assert_true(request_limit_of(&meter).ns < 0);
    weir_meter_record(&meter, weir_ms(80));
    limit = request_limit_of(&meter);
    assert_in_range(limit.ns, weir_ms(80).ns, weir_ms(84).ns); /* equal ones are none */
    memset(&meter, 0, sizeof meter);
    weir_meter_record_many(&meter, weir_us(50), 5000);
    assert_int_equal(request_limit_of(&meter).ns, weir_ms(1).ns); /* less is not worth it */
}

/* A second after a thousand requests of 5 ms. */
static int teach(void *arg)
{
    weir_scope scope;

    begin(&g, arg); /* here, since its clock is that of the simulation */
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    assert_int_equal(weir_spawn(&scope, "collector", collector_run, g.collector), 0);
    for (int i = 0; i < REQUEST_LEARN_FROM; i++)
        answer(&g, 2, 200);
    assert_int_equal(weir_sleep(weir_seconds(3)), 0);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    return 0;
}

static void run_and_teach(const char *configuration)
{
    assert_int_equal(weir_run(&(weir_options){.io = WEIR_IO_SIM}, teach, (void *)(uintptr_t)configuration),
                     0);
}

static void the_collector_sets_it(void **state)
{
    weir_duration limit = {0};

    (void)state;
    run_and_teach(file);
    assert_int_equal(outcome(2, weir_ms(5), &limit), REQUEST_OUTLIERS);
    assert_int_equal(outcome(2, weir_ms(6), &limit), REQUEST_OUTLIER_LEARNED);
    assert_int_equal(outcome(0, weir_ms(50), &limit),
                     REQUEST_OUTLIERS); /* another route has learned nothing */
    end(&g);
}

static void it_does_not_where_outliers_are_off(void **state)
{
    static const char off[] =
        "listen: 127.0.0.1:0\nadmin: 127.0.0.1:1\noutliers: false\nroutes:\n"
        "  - {path: /a, respond: {}}\n  - {path: /b, respond: {}}\n  - {path: /c, respond: {}}\n";
    weir_duration limit = {0};

    (void)state;
    run_and_teach(off);
    assert_int_equal(outcome(2, weir_seconds(6), &limit), REQUEST_OUTLIERS);
    end(&g);
}

static void they_are_counted_by_route_and_reason(void **state)
{
    static struct request_totals total;
    weir_exchange_record record = {0};

    (void)state;
    begin(&g, file);
    record.data = (void *)(uintptr_t)&g.config.routes[1];
    request_outlier_count(g.requests, &record, REQUEST_OUTLIER_SLOW);
    request_outlier_count(g.requests, &record, REQUEST_OUTLIER_LEARNED);
    request_outlier_count(g.requests, &record, REQUEST_OUTLIER_DROPPED);
    request_outlier_count(g.requests, &record, REQUEST_OUTLIER_DROPPED);
    request_counts_read(g.status.requests, 0, &total);
    assert_int_equal(total.outliers[REQUEST_OUTLIER_SLOW], 1);
    assert_int_equal(total.outliers[REQUEST_OUTLIER_LEARNED], 1);
    assert_int_equal(total.outliers[REQUEST_OUTLIER_DROPPED], 2);
    request_counts_read(g.status.requests, 1, &total);
    assert_int_equal(total.outliers[REQUEST_OUTLIER_SLOW], 0);
    end(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_of_the_route_decides),
        cmocka_unit_test(what_is_learned_decides_from_then_on),
        cmocka_unit_test(a_limit_is_learned_from_a_thousand_on),
        cmocka_unit_test(the_collector_sets_it),
        cmocka_unit_test(it_does_not_where_outliers_are_off),
        cmocka_unit_test(they_are_counted_by_route_and_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
