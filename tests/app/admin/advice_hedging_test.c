/* SPDX-License-Identifier: MIT */
/* Advice on second attempts: where hedging pays, where it must not be advised, and what it does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <weir/json.h>

#include "admin/advice_backends.h"
#include "admin/advice_routes.h"
#include "app/support/log_normal.h"

enum { CALLS = 12 };

/* A gather of twelve calls, each to a backend of its own that takes p50 12, p99 80 ms. */
struct gateway {
    struct delays delays;
    weir_backend_options options[CALLS];
    struct snapshot_instance instances[2];
    struct snapshot_backend backends[CALLS];
    struct advice_call calls[CALLS];
    struct advice_route route;
};

static struct gateway g;
static struct text_out out;

static int begin(void **state)
{
    static const char *const names[CALLS] = {"user",   "orders", "offers", "stock", "stars", "mail",
                                             "prices", "carts",  "notes",  "maps",  "ads",   "terms"};

    (void)state;
    memset(&g, 0, sizeof g);
    log_normal_delays(&g.delays, 12, 80);
    for (size_t i = 0; i < CALLS; i++) {
        g.options[i] = (weir_backend_options){.name = names[i], .connections_max = 256, .limit = 100};
        g.backends[i] = (struct snapshot_backend){
            .options = &g.options[i], .instances = g.instances, .instance_count = 2, .limit = 100};
        g.backends[i].requests.last[LAST_60S].numbers[BACKEND_REQUESTS] = 20000;
        g.calls[i] = (struct advice_call){
            .backend = &g.backends[i], .delays = &g.delays, .repeatable = 1, .deadline_ms = 1000};
    }
    g.route = (struct advice_route){.route = "/page/{id}",
                                    .requests = 20000,
                                    .rate = 333,
                                    .took_ms = 50,
                                    .p99_ms = 158,
                                    .calls = g.calls,
                                    .call_count = CALLS};
    return 0;
}

static const char *advice(void)
{
    const struct advice_input in = {.loops = 2, .cpus = 2, .routes = &g.route, .route_count = 1};

    weir_buffer_free(&out.text);
    text_out_init(&out, 1 << 20);
    advice_write_route(&out, &g.route, &in);
    assert_int_equal(out.err, 0);
    assert_true(weir_json_is_valid(out.text.data, out.text.len, 10));
    return out.text.data;
}

static void has(const char *text, const char *wanted)
{
    if (strstr(text, wanted) == NULL)
        fail_msg("\"%s\" is not in %s", wanted, text);
}

/* Reads a number of the advice. */
static double number_of(const char *text, const char *name)
{
    char key[64];
    const char *at;
    double value = 0;

    snprintf(key, sizeof key, "\"%s\":", name);
    at = strstr(text, key);
    assert_non_null(at);
    assert_int_equal(sscanf(at + strlen(key), "%lf", &value), 1);
    return value;
}

static void assert_near(double is, double wanted, double off)
{
    if (!(fabs(is - wanted) <= off))
        fail_msg("%g is not %g ± %g", is, wanted, off);
}

static void is_not_advised(void)
{
    assert_null(strstr(advice(), "hedge "));
}

/* p50 12 and p99 80 ms: 156 → 81.5 ms for 5.0 % more calls. */
static void what_it_gains_and_costs_is_said(void **state)
{
    const char *text = advice();

    (void)state;
    has(text, "hedge user, orders, offers and 9 more at p95: /page/{id} p99 15");
    has(text, " ms for 5.0 % more calls (backends: {NAME: {hedge: {after: p95, extra: 5%}}})");
    has(text, "requests that are slow by themselves gain nothing");
    assert_near(number_of(text, "p99_ms"), 156, 3);
    assert_near(number_of(text, "hedged_p99_ms"), 81.5, 1.7);
    assert_near(number_of(text, "more_calls_percent"), 5, 0.05);
    assert_near(number_of(text, "measured_p99_ms"), 158, 0.01);
    assert_int_equal(number_of(text, "backends"), CALLS);
}

/* The backend that is slow makes the answer slow: the others are left alone. */
static void only_what_matters_is_named(void **state)
{
    static struct delays fast;
    const char *text;

    (void)state;
    log_normal_delays(&fast, 3, 9);
    for (size_t i = 0; i < CALLS; i++)
        if (i != 1)
            g.calls[i].delays = &fast;
    g.route.p99_ms = 81;
    text = advice();
    has(text, "hedge orders at p95: /page/{id} p99 8");
    has(text, "(backends: {orders: {hedge: {after: p95, extra: 5%}}})");
    assert_near(number_of(text, "p99_ms"), 80, 2);
    assert_int_equal(number_of(text, "backends"), 1);
    g.calls[2].delays = &g.delays;
    g.route.p99_ms = 100;
    has(advice(), "hedge orders and offers at p95: ");
    g.calls[5].backend = g.calls[2].backend; /* asked twice by this route, and named once */
    g.calls[5].delays = &g.delays;
    has(advice(), "hedge orders and offers at p95: ");
}

/* A gain of a tenth is the least. */
static void a_little_is_not_worth_it(void **state)
{
    weir_meter meter = {0};

    (void)state;
    for (int i = 0; i < 20000; i++)
        weir_meter_record(&meter, (weir_duration){20000000 + i % 1000 * 1000}); /* 20 to 21 ms */
    delays_read(&g.delays, &meter);
    g.route.p99_ms = 21;
    is_not_advised();
}

static void few_calls_are_no_ground(void **state)
{
    (void)state;
    g.delays.count = 999;
    is_not_advised();
    g.delays.count = 1000;
    has(advice(), "hedge user");
    g.route.requests = 999;
    is_not_advised();
    g.route.requests = 20000;
    g.route.call_count = 0;
    is_not_advised();
}

static void calls_that_must_not_be_sent_twice_are_not_hedged(void **state)
{
    (void)state;
    g.calls[0].repeatable = 0; /* a POST: slow as ever */
    has(advice(), "hedge orders, offers, stock and 8 more at p95: ");
    assert_true(number_of(out.text.data, "hedged_p99_ms") > 85);
    for (size_t i = 0; i < CALLS; i++)
        g.calls[i].repeatable = 0;
    is_not_advised();
    for (size_t i = 0; i < CALLS; i++) /* half of a proxy's are */
        g.calls[i].repeatable = 0.5;
    assert_near(number_of(advice(), "more_calls_percent"), 2.5, 0.05);
    for (size_t i = 0; i < CALLS; i++) /* not to a backend */
        g.calls[i].backend = NULL;
    is_not_advised();
}

/* Each fault alone, of all backends: there is none left to be hedged. */
static void each_backend(void (*fault)(struct snapshot_backend *b, weir_backend_options *o))
{
    begin(NULL);
    for (size_t i = 0; i < CALLS; i++)
        fault(&g.backends[i], &g.options[i]);
    is_not_advised();
}

static void is_open(struct snapshot_backend *b, weir_backend_options *o)
{
    (void)o;
    b->open = true;
}

static void waits(struct snapshot_backend *b, weir_backend_options *o)
{
    (void)o;
    b->waiting = 1;
}

static void is_full(struct snapshot_backend *b, weir_backend_options *o)
{
    (void)o;
    b->in_use = 100;
}

static void refuses(struct snapshot_backend *b, weir_backend_options *o)
{
    (void)o;
    b->requests.last[LAST_60S].numbers[BACKEND_REFUSED + WEIR_BACKEND_LIMITED] = 1;
}

static void panics(struct snapshot_backend *b, weir_backend_options *o)
{
    (void)o;
    b->panics = true;
}

static void has_one_connection(struct snapshot_backend *b, weir_backend_options *o)
{
    (void)b;
    o->connections_max = 1;
}

static void is_hedged(struct snapshot_backend *b, weir_backend_options *o)
{
    o->hedge.percentile = 95;
    b->attempts.hedge_after.ns = 45000000;
    g.route.p99_ms = 80;
}

static void fails(struct snapshot_backend *b, weir_backend_options *o)
{
    (void)o;
    b->instances[0].requests.last[LAST_60S].numbers[INSTANCE_FAILURES] = 201; /* of 20 000 */
}

static void a_backend_with_too_much_to_do_is_not_hedged(void **state)
{
    (void)state;
    each_backend(is_open);
    each_backend(waits);
    each_backend(is_full);
    each_backend(refuses);
    each_backend(panics);
    each_backend(has_one_connection);
    each_backend(is_hedged);
    each_backend(fails);
}

/* Where slow calls come together, or the time goes elsewhere, the arithmetic does not hold. */
static void what_is_not_as_measured_is_not_advised(void **state)
{
    (void)state;
    g.route.p99_ms = 240;
    is_not_advised();
    g.route.p99_ms = 100;
    is_not_advised();
    g.route.p99_ms = 140;
    has(advice(), "hedge user");
}

static void a_deadline_that_cuts_all_leaves_nothing_to_gain(void **state)
{
    (void)state;
    for (size_t i = 0; i < CALLS; i++)
        g.calls[i].deadline_ms = 40;
    g.route.p99_ms = 40;
    is_not_advised();
}

static void a_single_instance_is_said(void **state)
{
    (void)state;
    assert_null(strstr(advice(), "a second instance"));
    g.backends[3].instance_count = 1;
    has(advice(), "a second instance makes sure of that");
}

/* --- where it is on --- */

static const char *advice_on_backend(void)
{
    weir_buffer_free(&out.text);
    text_out_init(&out, 1 << 20);
    advice_write_backend(&out, &g.backends[1]);
    assert_int_equal(out.err, 0);
    assert_true(weir_json_is_valid(out.text.data, out.text.len, 10));
    return out.text.data;
}

static void ended(enum weir_attempt_kind kind, enum weir_attempt_outcome outcome, uint64_t count)
{
    g.backends[1].attempts.ended.last[LAST_60S].numbers[ATTEMPTS_ENDED + (int)kind * WEIR_ATTEMPT_OUTCOMES +
                                                        (int)outcome] = count;
}

static void denied(enum weir_attempt_denial why, uint64_t count)
{
    g.backends[1].attempts.ended.last[LAST_60S].numbers[ATTEMPTS_DENIED + (int)why] = count;
}

static void what_hedging_does_is_said(void **state)
{
    (void)state;
    assert_null(strstr(advice_on_backend(), "hedging of"));
    ended(WEIR_ATTEMPT_FIRST, WEIR_ATTEMPT_ANSWERED, 9689);
    ended(WEIR_ATTEMPT_FIRST, WEIR_ATTEMPT_LOST, 311);
    ended(WEIR_ATTEMPT_HEDGE, WEIR_ATTEMPT_ANSWERED, 311);
    ended(WEIR_ATTEMPT_HEDGE, WEIR_ATTEMPT_LOST, 199);
    has(advice_on_backend(), "hedging of orders: 5.1 % of calls, 61 % won");
    has(out.text.data, "right as it is");
    ended(WEIR_ATTEMPT_RETRY, WEIR_ATTEMPT_ANSWERED, 30);
    ended(WEIR_ATTEMPT_RETRY, WEIR_ATTEMPT_FAILED, 10);
    has(advice_on_backend(), "retries of orders: 0.4 % of calls, 75 % answered");
}

static void a_backend_that_is_denied_most_is_to_be_looked_at(void **state)
{
    (void)state;
    ended(WEIR_ATTEMPT_FIRST, WEIR_ATTEMPT_ANSWERED, 10000);
    ended(WEIR_ATTEMPT_HEDGE, WEIR_ATTEMPT_LOST, 500);
    denied(WEIR_ATTEMPT_NO_ROOM, 100);
    denied(WEIR_ATTEMPT_NO_BUDGET, 400);
    assert_null(strstr(advice_on_backend(), "look at")); /* as many as were made */
    denied(WEIR_ATTEMPT_NO_BUDGET, 3000);
    has(advice_on_backend(),
        "orders was denied 3100 second attempts and had 500, mostly because more requests "
        "are slow or fail than its budget pays for: look at the backend itself");
    assert_null(strstr(out.text.data, "right as it is"));
    denied(WEIR_ATTEMPT_PUSHBACK, 4000);
    has(advice_on_backend(), "it has asked by Retry-After to be left alone: look at the backend itself\"");
    memset(&g.backends[1].attempts, 0, sizeof g.backends[1].attempts);
    denied(WEIR_ATTEMPT_NO_BUDGET, 19); /* few */
    assert_null(strstr(advice_on_backend(), "look at"));
}

static int end(void **state)
{
    (void)state;
    weir_buffer_free(&out.text);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_it_gains_and_costs_is_said, begin),
        cmocka_unit_test_setup(only_what_matters_is_named, begin),
        cmocka_unit_test_setup(a_little_is_not_worth_it, begin),
        cmocka_unit_test_setup(few_calls_are_no_ground, begin),
        cmocka_unit_test_setup(calls_that_must_not_be_sent_twice_are_not_hedged, begin),
        cmocka_unit_test_setup(a_backend_with_too_much_to_do_is_not_hedged, begin),
        cmocka_unit_test_setup(what_is_not_as_measured_is_not_advised, begin),
        cmocka_unit_test_setup(a_deadline_that_cuts_all_leaves_nothing_to_gain, begin),
        cmocka_unit_test_setup(a_single_instance_is_said, begin),
        cmocka_unit_test_setup(what_hedging_does_is_said, begin),
        cmocka_unit_test_setup(a_backend_that_is_denied_most_is_to_be_looked_at, begin),
    };

    return cmocka_run_group_tests(tests, NULL, end);
}
