/* SPDX-License-Identifier: MIT */
/* What advice rests on: from a snapshot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "admin/advice_input.h"
#include "config/config.h"

static const uint64_t second_ns = 1000000000;

/* Two requests on two loops: one waited 4 s for the backend, the other 2 s. Of names, the sum of one loop is
 * known. */
static void a_wait_is_no_longer_than_all_waits(void **state)
{
    static const struct config config = {0};
    uint64_t numbers[BREAKDOWN_NUMBERS] = {0};
    struct window_clock clock;
    weir_meter run = {0};
    struct snapshot_route route = {.name = "/page", .kind = "proxy", .slowest = "api", .slowest_ms = 4000};
    const struct snapshot s = {
        .config = &config, .clock = &clock, .at = weir_now(), .routes = &route, .route_count = 1};
    struct advice_input in;

    (void)state;
    window_clock_init(&clock, s.at);
    assert_int_equal(series_open(&route.breakdown, BREAKDOWN_NUMBERS), 0);
    series_update(&route.breakdown, &run, numbers); /* from here on */
    numbers[BREAKDOWN_COUNT] = 2;
    numbers[WEIR_CHARGE_BACKEND] = 6 * second_ns;
    numbers[WEIR_CHARGE_RUN] = second_ns / 1000;
    series_update(&route.breakdown, &run, numbers);
    series_work_out(&route.breakdown, &clock, s.at);
    assert_int_equal(advice_input_open(&in, &s), 0);
    assert_int_equal(in.route_count, 1);
    assert_string_equal(in.routes[0].slowest, "api");
    assert_true(in.routes[0].wait_ms > 2999 && in.routes[0].wait_ms < 3001);
    assert_true(in.routes[0].slowest_ms <= in.routes[0].took_ms);
    assert_true(in.routes[0].slowest_ms > 2999);
    advice_input_close(&in);
    route.slowest_ms = 1500; /* and what is less is left as it is */
    assert_int_equal(advice_input_open(&in, &s), 0);
    assert_true(in.routes[0].slowest_ms > 1499 && in.routes[0].slowest_ms < 1501);
    advice_input_close(&in);
    series_close(&route.breakdown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_is_no_longer_than_all_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
