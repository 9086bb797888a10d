/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include <weir/histogram.h>

#include "base/random.h"

#define SAMPLES 20000

static void record(weir_histogram *h, int64_t ns)
{
    weir_duration d = {ns};

    weir_histogram_record(h, d);
}

static void assert_within_a_percent(int64_t got, int64_t exact)
{
    double error = fabs((double)got - (double)exact);

    if (error > 0.01 * (double)exact)
        fail_msg("%lld is not within 1 %% of %lld", (long long)got, (long long)exact);
}

static void empty_is_all_zero(void **state)
{
    static weir_histogram h;

    (void)state;
    weir_histogram_init(&h);
    assert_int_equal(weir_histogram_count(&h), 0);
    assert_int_equal(weir_histogram_quantile(&h, 0.5).ns, 0);
    assert_int_equal(weir_histogram_min(&h).ns, 0);
    assert_int_equal(weir_histogram_max(&h).ns, 0);
    assert_int_equal(weir_histogram_mean(&h).ns, 0);
    assert_int_equal(weir_histogram_count_upto(&h, weir_seconds(9)), 0);
}

/* At, just below and just above each power of two, where the buckets change their width. */
static void one_value_alone_is_exact(void **state)
{
    static weir_histogram h;

    (void)state;
    for (int bits = 0; bits < 63; bits++) {
        for (int64_t off = -1; off <= 1; off++) {
            int64_t ns = ((int64_t)1 << bits) + off;
            weir_duration d;
            weir_histogram_init(&h);
            record(&h, ns);
            assert_int_equal(weir_histogram_quantile(&h, 0.5).ns, ns);
            assert_int_equal(weir_histogram_min(&h).ns, ns);
            assert_int_equal(weir_histogram_max(&h).ns, ns);
            d = (weir_duration){ns};
            assert_int_equal(weir_histogram_count_upto(&h, d), 1);
        }
    }
}

static void every_value_in_range_is_within_a_percent(void **state)
{
    static weir_histogram h;
    struct weir__random r;

    (void)state;
    weir__random_seed(&r, 6);
    weir_histogram_init(&h);
    record(&h, INT64_MAX);
    for (int i = 0; i < 5000; i++) {
        int64_t ns = (int64_t)weir__random_below(&r, 1ULL << weir__random_below(&r, 41));
        weir_histogram_init(&h);
        record(&h, 0);
        record(&h, ns);
        record(&h, INT64_MAX); /* so that neither minimum nor maximum correct the bucket's middle */
        assert_within_a_percent(weir_histogram_quantile(&h, 0.5).ns, ns);
    }
    /* Ten minutes are well within. */
    weir_histogram_init(&h);
    record(&h, 0);
    record(&h, weir_seconds(601).ns);
    record(&h, INT64_MAX);
    assert_within_a_percent(weir_histogram_quantile(&h, 0.5).ns, weir_seconds(601).ns);
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void quantiles_agree_with_sorting(void **state)
{
    static weir_histogram h;
    static int64_t samples[SAMPLES];
    const double qs[] = {0.001, 0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999};
    struct weir__random r;
    double sum = 0;

    (void)state;
    weir__random_seed(&r, 7);
    weir_histogram_init(&h);
    for (int i = 0; i < SAMPLES; i++) {
        samples[i] = (int64_t)(12e6 * exp(0.8 * weir__random_normal(&r)));
        sum += (double)samples[i];
        record(&h, samples[i]);
    }
    qsort(samples, SAMPLES, sizeof samples[0], ascending);
    for (size_t i = 0; i < sizeof qs / sizeof qs[0]; i++) {
        size_t rank = (size_t)ceil(qs[i] * SAMPLES - 1e-6);
        assert_within_a_percent(weir_histogram_quantile(&h, qs[i]).ns, samples[rank - 1]);
    }
    assert_int_equal(weir_histogram_quantile(&h, 0).ns, samples[0]);
    assert_int_equal(weir_histogram_quantile(&h, -1).ns, samples[0]);
    assert_int_equal(weir_histogram_quantile(&h, 1).ns, samples[SAMPLES - 1]);
    assert_int_equal(weir_histogram_quantile(&h, 7).ns, samples[SAMPLES - 1]);
    assert_int_equal(weir_histogram_quantile(&h, NAN).ns, samples[0]);
    assert_true(fabs((double)weir_histogram_mean(&h).ns - sum / SAMPLES) <= 1);
    assert_true(fabs((double)weir_histogram_sum(&h).ns - sum) <= 1);
    assert_int_equal(weir_histogram_count(&h), SAMPLES);
}

/* 1 to 100 are exact below 64, so the ranks themselves can be seen. */
static void ranks_round_up(void **state)
{
    static weir_histogram h;

    (void)state;
    weir_histogram_init(&h);
    for (int i = 1; i <= 50; i++)
        record(&h, i);
    assert_int_equal(weir_histogram_quantile(&h, 0.5).ns, 25);
    assert_int_equal(weir_histogram_quantile(&h, 0.51).ns, 26);
    assert_int_equal(weir_histogram_quantile(&h, 0.14).ns, 7); /* 0.14 × 50 is a little above 7 */
    assert_int_equal(weir_histogram_quantile(&h, 0.001).ns, 1);
    assert_int_equal(weir_histogram_quantile(&h, 0.99).ns, 50);
}

static void counts_up_to_a_limit(void **state)
{
    static weir_histogram h;
    weir_duration negative;

    (void)state;
    weir_histogram_init(&h);
    for (int i = 1; i <= 1000; i++)
        record(&h, weir_ms(i).ns);
    negative = (weir_duration){-1};
    assert_int_equal(weir_histogram_count_upto(&h, negative), 0);
    assert_int_equal(weir_histogram_count_upto(&h, weir_us(500)), 0);
    assert_in_range(weir_histogram_count_upto(&h, weir_ms(250)), 250, 254);
    assert_int_equal(weir_histogram_count_upto(&h, weir_seconds(2)), 1000);
    assert_int_equal(weir_histogram_count_upto(&h, weir_seconds(100000)), 1000);
}

static void odd_durations_do_no_harm(void **state)
{
    static weir_histogram h;

    (void)state;
    weir_histogram_init(&h);
    record(&h, -5);
    assert_int_equal(weir_histogram_min(&h).ns, 0);
    for (int i = 0; i < 3; i++)
        record(&h, INT64_MAX);
    assert_true(weir_histogram_max(&h).ns == INT64_MAX);
    assert_true(weir_histogram_sum(&h).ns == INT64_MAX);
    assert_true(weir_histogram_quantile(&h, 0.5).ns >= weir_seconds(1000).ns);
    weir_histogram_reset(&h);
    assert_int_equal(weir_histogram_count(&h), 0);
    record(&h, 7);
    assert_int_equal(weir_histogram_min(&h).ns, 7);
    assert_int_equal(weir_histogram_quantile(&h, 0.5).ns, 7);
}

static void merging_equals_recording_into_one(void **state)
{
    static weir_histogram a, b, both;
    struct weir__random r;

    (void)state;
    weir__random_seed(&r, 8);
    weir_histogram_init(&a);
    weir_histogram_init(&b);
    weir_histogram_init(&both);
    weir_histogram_add(&both, &a);
    assert_int_equal(weir_histogram_min(&both).ns, 0);
    for (int i = 0; i < 1000; i++) {
        int64_t ns = (int64_t)weir__random_below(&r, 1ULL << weir__random_below(&r, 35));
        record(i % 3 ? &a : &b, ns);
        record(&both, ns);
    }
    weir_histogram_add(&a, &b);
    assert_memory_equal(a.buckets, both.buckets, sizeof a.buckets);
    assert_int_equal(a.count, both.count);
    assert_int_equal(a.min_ns, both.min_ns);
    assert_int_equal(a.max_ns, both.max_ns);
    assert_true(fabs(a.sum_ns - both.sum_ns) < 1);
}

static void memory_is_small(void **state)
{
    (void)state;
    assert_in_range(sizeof(weir_histogram), 10 * 1024, 20 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_is_all_zero),
        cmocka_unit_test(one_value_alone_is_exact),
        cmocka_unit_test(every_value_in_range_is_within_a_percent),
        cmocka_unit_test(quantiles_agree_with_sorting),
        cmocka_unit_test(ranks_round_up),
        cmocka_unit_test(counts_up_to_a_limit),
        cmocka_unit_test(odd_durations_do_no_harm),
        cmocka_unit_test(merging_equals_recording_into_one),
        cmocka_unit_test(memory_is_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
