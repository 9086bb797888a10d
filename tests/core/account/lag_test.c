/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/account/lag.h"

#define MS INT64_C(1000000)
#define EVERY WEIR__LAG_EVERY_NS

static struct weir__lag lag;

static void begin(void)
{
    memset(&lag, 0, sizeof lag);
    weir__lag_init(&lag, 7 * MS);
}

static void assert_near(int64_t got, int64_t wanted)
{
    if (got < wanted - wanted / 50 - EVERY || got > wanted + wanted / 50 + EVERY)
        fail_msg("%lld is not near %lld", (long long)got, (long long)wanted);
}

static int64_t quantile(double q)
{
    return weir_meter_quantile(&lag.meter, q).ns;
}

static void a_loop_that_sleeps_is_never_late(void **state)
{
    int64_t now_ns = 7 * MS;

    (void)state;
    begin();
    for (int i = 0; i < 100; i++) {
        weir__lag_look(&lag, now_ns);
        weir__lag_sleep(&lag, 30 * MS, now_ns + 30 * MS);
        now_ns += 30 * MS;
    }
    weir__lag_look(&lag, now_ns);
    assert_near((int64_t)weir_meter_count(&lag.meter) * EVERY, 3000 * MS);
    assert_true(quantile(0.999) == 0);
    assert_true(lag.meter.sum_ns == 0);
}

/* Half the time asleep, half the time held for 10 ms: what comes then waits from 0 to 10 ms. */
static void what_comes_while_it_is_held_waits_for_the_rest(void **state)
{
    int64_t now_ns = 7 * MS;

    (void)state;
    begin();
    for (int i = 0; i < 100; i++) {
        weir__lag_look(&lag, now_ns);
        weir__lag_sleep(&lag, 10 * MS, now_ns + 10 * MS);
        now_ns += 20 * MS;
    }
    weir__lag_look(&lag, now_ns);
    assert_near((int64_t)weir_meter_count(&lag.meter) * EVERY, 2000 * MS);
    assert_true(quantile(0.48) == 0);
    assert_near(quantile(0.75), 5 * MS);
    assert_near(quantile(0.999), 10 * MS);
}

/* One stall among a million quick turns counts for as long as it took. */
static void quick_turns_don_t_hide_a_stall(void **state)
{
    int64_t now_ns = 7 * MS;

    (void)state;
    begin();
    for (int i = 0; i < 900000; i++)
        weir__lag_look(&lag, now_ns += 1000);
    weir__lag_look(&lag, now_ns += 100 * MS);
    assert_true(quantile(0.88) < 2000);
    assert_near(quantile(0.95), 50 * MS);
    assert_near(quantile(1), 100 * MS);
}

static void waking_too_late_is_late(void **state)
{
    int64_t now_ns = 7 * MS;

    (void)state;
    begin();
    for (int i = 0; i < 100; i++) { /* a timer was due after 6 ms, the CPU was there after 10 */
        weir__lag_look(&lag, now_ns);
        weir__lag_sleep(&lag, 10 * MS, now_ns + 6 * MS);
        now_ns += 10 * MS;
    }
    weir__lag_look(&lag, now_ns);
    assert_true(quantile(0.58) == 0);
    assert_near(quantile(0.8), 2 * MS);
    assert_near(quantile(1), 4 * MS);
}

static void an_hour_of_it_is_taken_quickly(void **state)
{
    (void)state;
    begin();
    weir__lag_look(&lag, 7 * MS + 3600 * 1000 * MS);
    assert_near((int64_t)weir_meter_count(&lag.meter) * EVERY, 3600 * 1000 * MS);
    assert_true(quantile(0.01) > 30 * 1000 * MS);
    begin();
    weir__lag_look(&lag, 7 * MS + 10000 * MS);
    assert_near(quantile(0.5), 5000 * MS);
    assert_near((int64_t)(lag.meter.sum_ns / weir_meter_count(&lag.meter)), 5000 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_that_sleeps_is_never_late),
        cmocka_unit_test(what_comes_while_it_is_held_waits_for_the_rest),
        cmocka_unit_test(quick_turns_don_t_hide_a_stall),
        cmocka_unit_test(waking_too_late_is_late),
        cmocka_unit_test(an_hour_of_it_is_taken_quickly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
