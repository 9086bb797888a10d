/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <weir/meter.h>

#include "base/random.h"

#define SAMPLES 20000

static void record(weir_meter *m, int64_t ns)
{
    weir_duration d = {ns};

    weir_meter_record(m, d);
}

static void assert_near(int64_t got, int64_t exact)
{
    double error = fabs((double)got - (double)exact);

    if (error > 0.02 * (double)exact && error > 32)
        fail_msg("%lld is not within 2 %% of %lld", (long long)got, (long long)exact);
}

static void empty_is_all_zero(void **state)
{
    static weir_meter m;

    (void)state;
    assert_int_equal(weir_meter_count(&m), 0);
    assert_int_equal(weir_meter_quantile(&m, 0.5).ns, 0);
    assert_int_equal(weir_meter_count_upto(&m, weir_seconds(9)), 0);
}

/* At, just below and just above each power of two, where the buckets change their width. */
static void one_value_alone_is_near(void **state)
{
    (void)state;
    for (int bits = 0; bits < WEIR_METER_UNIT_BITS + WEIR_METER_TOP_BITS; bits++) {
        for (int64_t off = -1; off <= 1; off++) {
            static weir_meter m;
            int64_t ns = ((int64_t)1 << bits) + off;
            memset(&m, 0, sizeof m);
            record(&m, ns);
            assert_near(weir_meter_quantile(&m, 0.5).ns, ns);
            assert_int_equal(m.sum_ns, ns);
            assert_int_equal(weir_meter_count_upto(&m, (weir_duration){ns + ns / 25 + 32}), 1);
            assert_int_equal(weir_meter_count_upto(&m, (weir_duration){ns - ns / 25 - 32}), 0);
        }
    }
}

static void what_is_out_of_range_counts_at_the_ends(void **state)
{
    static weir_meter m;

    (void)state;
    record(&m, -5);
    record(&m, 0);
    record(&m, INT64_MAX / 4);
    assert_int_equal(weir_meter_count(&m), 3);
    assert_int_equal(weir_meter_quantile(&m, 0.5).ns, 0);
    assert_true(weir_meter_quantile(&m, 1).ns > 130 * INT64_C(1000000000));
    assert_int_equal(weir_meter_count_upto(&m, (weir_duration){INT64_MAX}), 3);
    assert_int_equal(weir_meter_count_upto(&m, (weir_duration){0}), 2);
    assert_int_equal(weir_meter_count_upto(&m, (weir_duration){-1}), 0);
    assert_int_equal(m.sum_ns, INT64_MAX / 4);
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void quantiles_are_near_the_exact_ones(void **state)
{
    static const double shares[] = {0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1};
    static weir_meter m;
    static int64_t values[SAMPLES];
    struct weir__random random;

    (void)state;
    weir__random_seed(&random, 7);
    for (int i = 0; i < SAMPLES; i++) { /* evenly over the magnitudes from 1 us to 60 s */
        double share = (double)weir__random_below(&random, 1000000) / 1e6;
        values[i] = (int64_t)(1e3 * pow(6e7, share));
        record(&m, values[i]);
    }
    qsort(values, SAMPLES, sizeof *values, ascending);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        int rank = (int)ceil(shares[i] * SAMPLES - 1e-6);
        assert_near(weir_meter_quantile(&m, shares[i]).ns, values[rank > 0 ? rank - 1 : 0]);
    }
    assert_near(weir_meter_quantile(&m, -3).ns, values[0]);
    assert_near(weir_meter_quantile(&m, 4).ns, values[SAMPLES - 1]);
}

static void many_count_as_so_many_single_ones(void **state)
{
    static weir_meter one_by_one, at_once;

    (void)state;
    for (int i = 0; i < 1000; i++)
        record(&one_by_one, 123456);
    weir_meter_record_many(&at_once, (weir_duration){123456}, 1000);
    assert_memory_equal(&one_by_one, &at_once, sizeof at_once);
}

static void what_came_between_two_copies_can_be_told(void **state)
{
    static weir_meter m, before, after;

    (void)state;
    record(&m, 1000000);
    weir_meter_add(&before, &m);
    record(&m, 5000000);
    record(&m, 7000000);
    weir_meter_add(&after, &m);
    weir_meter_subtract(&after, &before);
    assert_int_equal(weir_meter_count(&after), 2);
    assert_int_equal(after.sum_ns, 12000000);
    assert_near(weir_meter_quantile(&after, 0).ns, 5000000);
}

static void several_are_read_into_one(void **state)
{
    static weir_meter a, b, sum;

    (void)state;
    record(&a, 1000000);
    record(&b, 3000000);
    weir_meter_add(&sum, &a);
    weir_meter_add(&sum, &b);
    assert_int_equal(weir_meter_count(&sum), 2);
    assert_int_equal(weir_meter_count_upto(&sum, weir_ms(2)), 1);
}

static void every_bucket_holds_its_middle(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WEIR_METER_BUCKETS; i++) {
        static weir_meter m;
        memset(&m, 0, sizeof m);
        weir_meter_record(&m, weir_meter_middle(i));
        assert_int_equal(m.buckets[i], 1);
    }
}

static void *record_all(void *arg)
{
    for (int i = 0; i < SAMPLES; i++)
        record(arg, i * 1000);
    return NULL;
}

/* For TSan, and: no number that is read ever goes back. */
static void others_may_read_meanwhile(void **state)
{
    static weir_meter m, now;
    uint64_t before = 0;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, record_all, &m), 0);
    while (before < SAMPLES) {
        uint64_t count;

        memset(&now, 0, sizeof now);
        weir_meter_add(&now, &m);
        count = weir_meter_count(&now);
        assert_true(count >= before);
        before = count;
    }
    pthread_join(thread, NULL);
    assert_int_equal(before, SAMPLES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_is_all_zero),
        cmocka_unit_test(one_value_alone_is_near),
        cmocka_unit_test(what_is_out_of_range_counts_at_the_ends),
        cmocka_unit_test(quantiles_are_near_the_exact_ones),
        cmocka_unit_test(many_count_as_so_many_single_ones),
        cmocka_unit_test(what_came_between_two_copies_can_be_told),
        cmocka_unit_test(several_are_read_into_one),
        cmocka_unit_test(every_bucket_holds_its_middle),
        cmocka_unit_test(others_may_read_meanwhile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
