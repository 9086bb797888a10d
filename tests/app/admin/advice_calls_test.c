/* SPDX-License-Identifier: MIT */
/* The calls of routes, with their measured delays: from a snapshot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "admin/advice_calls.h"
#include "config/config.h"

/* A backend of two instances, one at a Unix socket; another; and an origin that only a URL names. */
struct gateway {
    struct config config;
    struct config_route config_routes[3];
    struct window_clock clock;
    struct snapshot_origin origins[4];
    struct snapshot_origin *by_name[4];
    weir_backend_options options[2];
    struct snapshot_instance instances[3];
    struct snapshot_backend backends[2];
    struct snapshot_route routes[3];
    struct snapshot_call calls[5];
    struct snapshot s;
};

static struct gateway g;

/* An origin to which so many requests took so long. */
static void measured(size_t i, const char *name, uint64_t count, int took_ms)
{
    const uint64_t numbers[ORIGIN_NUMBERS] = {0};
    weir_meter took = {0};

    g.origins[i] = (struct snapshot_origin){.name = (char *)(uintptr_t)name};
    g.by_name[i] = &g.origins[i];
    assert_int_equal(series_open(&g.origins[i].requests, ORIGIN_NUMBERS), 0);
    series_update(&g.origins[i].requests, &took, numbers); /* from here on */
    weir_meter_record_many(&took, weir_ms(took_ms), count);
    series_update(&g.origins[i].requests, &took, numbers);
}

static int begin(void **state)
{
    static char *const addresses[] = {"10.0.0.7:7101", "unix:/run/orders", "10.0.0.9:7101"};
    static const char *const routes[] = {"/page", "/shop", "/twice"};

    (void)state;
    memset(&g, 0, sizeof g);
    window_clock_init(&g.clock, weir_now());
    measured(0, "http://10.0.0.7:7101", 30, 10);
    measured(1, "http://unix:/run/orders", 10, 40);
    measured(2, "https://10.0.0.9:7101", 7, 20);
    measured(3, "http://elsewhere:80", 5, 30);
    for (size_t i = 0; i < 3; i++) {
        g.instances[i].address = addresses[i];
        g.routes[i].name = g.config_routes[i].name = routes[i];
    }
    g.options[0].name = "orders";
    g.options[1].name = "stock";
    g.backends[0] =
        (struct snapshot_backend){.options = &g.options[0], .instances = g.instances, .instance_count = 2};
    g.backends[1] = (struct snapshot_backend){
        .options = &g.options[1], .instances = g.instances + 2, .instance_count = 1};
    g.calls[0] = (struct snapshot_call){
        .route = "/page", .backend = "orders", .deadline = weir_ms(200), .repeats = CALL_REPEATS_ALWAYS};
    g.calls[1] = (struct snapshot_call){
        .route = "/page", .backend = "orders", .repeats = CALL_REPEATS_NEVER, .deadline = weir_ms(1000)};
    g.calls[2] = (struct snapshot_call){.route = "/page",
                                        .origin = (char *)(uintptr_t) "http://elsewhere:80",
                                        .repeats = CALL_REPEATS_ALWAYS};
    g.calls[3] = (struct snapshot_call){.route = "/shop", .backend = "stock", .repeats = CALL_REPEATS_SOME};
    g.calls[4] = (struct snapshot_call){.route = "/twice", .backend = "gone", .repeats = CALL_REPEATS_ALWAYS};
    g.config = (struct config){.routes = g.config_routes, .route_count = 3};
    g.s = (struct snapshot){.config = &g.config,
                            .clock = &g.clock,
                            .at = weir_now(),
                            .origins = g.by_name,
                            .origin_count = 4,
                            .backends = g.backends,
                            .backend_count = 2,
                            .routes = g.routes,
                            .route_count = 3,
                            .calls = g.calls,
                            .call_count = 5};
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++)
        series_close(&g.origins[i].requests);
    return 0;
}

static void delays_of_a_backend_are_those_of_its_instances(void **state)
{
    struct advice_calls *calls = advice_calls_open(&g.s);
    const struct advice_call *of;
    size_t count;

    (void)state;
    assert_non_null(calls);
    of = advice_calls_of(calls, "/page", &count);
    assert_int_equal(count, 3);
    assert_ptr_equal(of[0].backend, &g.backends[0]);
    assert_int_equal(of[0].delays->count, 40);
    assert_true(delays_longer(of[0].delays, 20) == 0.25); /* those at the socket */
    assert_ptr_equal(of[1].delays, of[0].delays);
    assert_true(of[0].deadline_ms == 200 && of[1].deadline_ms == 1000);
    assert_true(of[0].repeatable == 1 && of[1].repeatable == 0);
    assert_null(of[2].backend);
    assert_int_equal(of[2].delays->count, 5);
    of = advice_calls_of(calls, "/shop", &count);
    assert_int_equal(count, 1);
    assert_int_equal(of[0].delays->count, 7); /* by TLS */
    of = advice_calls_of(calls, "/twice", &count);
    assert_int_equal(count, 1);
    assert_null(of[0].backend);
    assert_int_equal(of[0].delays->count, 0);
    (void)advice_calls_of(calls, "/none", &count);
    assert_int_equal(count, 0);
    advice_calls_close(calls);
}

static double shop_repeats(void)
{
    struct advice_calls *calls = advice_calls_open(&g.s);
    double share;
    size_t count;

    assert_non_null(calls);
    share = advice_calls_of(calls, "/shop", &count)[0].repeatable;
    advice_calls_close(calls);
    return share;
}

static void the_methods_of_a_proxy_are_counted(void **state)
{
    int post = 0;

    (void)state;
    while (strcmp(request_methods[post], "POST") != 0)
        post++;
    assert_true(shop_repeats() == 0); /* nothing is known */
    request_outcomes_add(&g.routes[1].outcomes, 0, 200, 30);
    assert_true(shop_repeats() == 1);
    request_outcomes_add(&g.routes[1].outcomes, post, 201, 60);
    request_outcomes_add(&g.routes[1].outcomes, REQUEST_METHODS - 1, 200, 10);
    request_outcomes_add(&g.routes[0].outcomes, post, 201, 1000); /* of another route */
    assert_true(shop_repeats() == 0.3);
}

/* Their requests are counted together. */
static void routes_of_one_path_are_no_ground(void **state)
{
    struct advice_calls *calls;
    size_t count;

    (void)state;
    g.config_routes[2].name = "/page";
    calls = advice_calls_open(&g.s);
    assert_non_null(calls);
    (void)advice_calls_of(calls, "/page", &count);
    assert_int_equal(count, 0);
    advice_calls_close(calls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(delays_of_a_backend_are_those_of_its_instances, begin, end),
        cmocka_unit_test_setup_teardown(the_methods_of_a_proxy_are_counted, begin, end),
        cmocka_unit_test_setup_teardown(routes_of_one_path_are_no_ground, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
