/* SPDX-License-Identifier: MIT */
/* What hedging would gain, for delays whose result is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "admin/hedging_gain.h"
#include "app/support/log_normal.h"

static const double two_percent = 0.02; /* the width of a meter's buckets */

static void assert_near(double is, double wanted, double off)
{
    if (!(fabs(is - wanted) <= off * wanted))
        fail_msg("%g is not %g, or at most %g %% off", is, wanted, 100 * off);
}

static weir_duration ms(double value)
{
    return (weir_duration){(int64_t)(value * 1e6)};
}

static void delays_are_those_that_were_measured(void **state)
{
    static struct delays d;
    weir_meter meter = {0};

    (void)state;
    for (int i = 1; i <= 1000; i++)
        weir_meter_record(&meter, ms(i / 10.0)); /* evenly up to 100 ms */
    delays_read(&d, &meter);
    assert_int_equal(d.count, 1000);
    assert_near(delays_longer(&d, 25), 0.75, two_percent);
    assert_near(delays_longer(&d, 90), 0.1, 0.1);
    assert_true(delays_longer(&d, -1) == 1);
    assert_true(delays_longer(&d, 110) == 0);
    assert_true(delays_longer(&d, 1e9) == 0); /* beyond every bucket */
    assert_near(delays_quantile(&d, 0.5), 50, two_percent);
    assert_near(delays_quantile(&d, 0.99), 99, two_percent);
    delays_read(&d, &(const weir_meter){0});
    assert_true(d.count == 0 && delays_longer(&d, 0) == 0);
}

static void shares_fall_from_one_to_none(void **state)
{
    static struct delays d;
    double before = 1;

    (void)state;
    log_normal_delays(&d, 12, 80);
    for (double at = 0; at < 2000; at += 0.7) {
        const double now = delays_longer(&d, at);
        assert_true(now <= before && now >= 0);
        before = now;
    }
}

/* The figures that were simulated: a gather of 12 waits for the slowest. */
static void a_gather_of_twelve_is_as_simulated(void **state)
{
    static struct delays d;
    struct delayed_call calls[12];
    double p95;

    (void)state;
    log_normal_delays(&d, 12, 80);
    p95 = delays_quantile(&d, 0.95);
    assert_near(delays_quantile(&d, 0.5), 12, two_percent);
    assert_near(delays_quantile(&d, 0.99), 80, two_percent);
    assert_near(delays_longer(&d, p95), 0.05, two_percent); /* 5.0 % more calls */
    for (size_t i = 0; i < 12; i++)
        calls[i] = (struct delayed_call){.delays = &d};
    assert_near(delayed_calls_quantile(calls, 12, 0.99), 156, two_percent);
    for (size_t i = 0; i < 12; i++)
        calls[i] = (struct delayed_call){.delays = &d, .hedge_after_ms = p95, .hedged_share = 1};
    assert_near(delayed_calls_quantile(calls, 12, 0.99), 81.5, two_percent);
}

/* The same by drawing: the formula is that of what happens. */
static void a_hedged_call_is_as_drawn(void **state)
{
    enum { DRAWS = 100000 };
    const double after = 40;
    static struct delays d;
    const struct delayed_call call = {.delays = &d, .hedge_after_ms = after, .hedged_share = 1};
    unsigned short seed[3] = {1, 2, 3};
    int late = 0;

    (void)state;
    log_normal_delays(&d, 12, 80);
    for (int i = 0; i < DRAWS; i++) {
        const double first = log_normal_quantile(12, 80, erand48(seed)),
                     second = after + log_normal_quantile(12, 80, erand48(seed));
        late += first > 60 && (first <= after || second > 60);
    }
    assert_near(delayed_call_longer(&call, 60), (double)late / DRAWS, 0.1);
}

static void what_may_not_be_hedged_is_not(void **state)
{
    static struct delays d;
    struct delayed_call call = {.delays = &d, .hedge_after_ms = 40};
    double never, half;

    (void)state;
    log_normal_delays(&d, 12, 80);
    never = delayed_call_longer(&call, 80);
    assert_near(never, 0.01, 0.05); /* share 0 */
    call.hedged_share = 0.5;
    half = delayed_call_longer(&call, 80);
    call.hedged_share = 1;
    assert_near(half, (never + delayed_call_longer(&call, 80)) / 2, 1e-9);
    assert_true(delayed_call_longer(&call, 40) == delays_longer(&d, 40)); /* the second begins there */
}

static void no_call_takes_longer_than_its_deadline(void **state)
{
    static struct delays d;
    struct delayed_call calls[2] = {{.delays = &d, .deadline_ms = 50}, {.delays = &d, .deadline_ms = 30}};

    (void)state;
    log_normal_delays(&d, 12, 80);
    assert_true(delayed_call_longer(&calls[0], 50) == 0);
    assert_true(delayed_call_longer(&calls[0], 49) > 0.01);
    assert_near(delayed_calls_quantile(calls, 2, 0.999), 50, 0.001);
    assert_true(delayed_calls_quantile(calls, 0, 0.99) < 1); /* no call, no time */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_are_those_that_were_measured),
        cmocka_unit_test(shares_fall_from_one_to_none),
        cmocka_unit_test(a_gather_of_twelve_is_as_simulated),
        cmocka_unit_test(a_hedged_call_is_as_drawn),
        cmocka_unit_test(what_may_not_be_hedged_is_not),
        cmocka_unit_test(no_call_takes_longer_than_its_deadline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
