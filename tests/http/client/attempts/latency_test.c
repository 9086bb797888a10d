/* SPDX-License-Identifier: MIT */
/* What a loop learns of how long first attempts take: windows, pauses, and how exact it is. */
#include "support/run.h"

#include <stdlib.h>

#include "base/random.h"
#include "http/client/attempts/latency.h"

static const int64_t MS_NS = 1000000, SECOND_NS = 1000000000, START_NS = INT64_C(50) * 1000000000;

static bool is_near(int64_t is_ns, double wanted_ms)
{
    return (double)is_ns > wanted_ms * 0.97e6 && (double)is_ns < wanted_ms * 1.03e6;
}

/* Records 1, 2 … 100 ms, each so often. */
static void record_evenly(struct weir__latency *l, int times, double factor, int64_t now_ns)
{
    for (int i = 0; i < times; i++)
        for (int ms = 1; ms <= 100; ms++)
            weir__latency_record(l, (int64_t)(ms * factor * 1e6), now_ns);
}

static void it_is_known_from_the_hundredth_sample_on(void **state)
{
    struct weir__latency l;

    (void)state;
    weir__latency_init(&l, 0.95);
    assert_int_equal(weir__latency_percentile(&l, START_NS), 0);
    for (int ms = 1; ms <= 99; ms++)
        weir__latency_record(&l, ms * MS_NS, START_NS);
    assert_int_equal(weir__latency_percentile(&l, START_NS), 0);
    assert_int_equal(weir__latency_median(&l, START_NS), 0);
    weir__latency_record(&l, 100 * MS_NS, START_NS);
    assert_true(is_near(weir__latency_percentile(&l, START_NS), 95));
    assert_true(is_near(weir__latency_median(&l, START_NS), 50));
    weir__latency_free(&l);
}

static void samples_of_two_windows_make_a_hundred(void **state)
{
    struct weir__latency l;

    (void)state;
    weir__latency_init(&l, 0.95);
    for (int ms = 1; ms <= 50; ms++)
        weir__latency_record(&l, ms * MS_NS, START_NS);
    for (int ms = 51; ms <= 100; ms++)
        weir__latency_record(&l, ms * MS_NS, START_NS + 16 * SECOND_NS);
    assert_true(is_near(weir__latency_percentile(&l, START_NS + 16 * SECOND_NS), 95));
    weir__latency_free(&l);
}

static void what_is_older_than_two_windows_is_forgotten(void **state)
{
    struct weir__latency l;
    int64_t now_ns = START_NS;

    (void)state;
    weir__latency_init(&l, 0.95);
    record_evenly(&l, 10, 1, now_ns);
    record_evenly(&l, 10, 3, now_ns += 16 * SECOND_NS);
    assert_true(weir__latency_percentile(&l, now_ns) > 200 * MS_NS);
    assert_true(weir__latency_percentile(&l, now_ns) < 280 * MS_NS); /* both together */
    record_evenly(&l, 10, 3, now_ns += 15 * SECOND_NS);
    assert_true(is_near(weir__latency_percentile(&l, now_ns), 285));
    weir__latency_free(&l);
}

static void after_a_pause_the_last_value_holds_until_there_are_a_hundred_new_ones(void **state)
{
    struct weir__latency l;
    int64_t now_ns = START_NS;

    (void)state;
    weir__latency_init(&l, 0.95);
    record_evenly(&l, 3, 1, now_ns);
    assert_true(is_near(weir__latency_percentile(&l, now_ns), 95));
    now_ns += 3600 * SECOND_NS;
    assert_true(is_near(weir__latency_percentile(&l, now_ns), 95));
    for (int i = 0; i < 99; i++)
        weir__latency_record(&l, 7 * MS_NS, now_ns);
    assert_true(is_near(weir__latency_percentile(&l, now_ns), 95));
    assert_true(is_near(weir__latency_median(&l, now_ns), 50));
    weir__latency_record(&l, 7 * MS_NS, now_ns);
    assert_true(is_near(weir__latency_percentile(&l, now_ns), 7));
    weir__latency_free(&l);
}

static void one_new_sample_changes_nothing_and_many_do(void **state)
{
    struct weir__latency l;

    (void)state;
    weir__latency_init(&l, 0.95);
    record_evenly(&l, 1, 1, START_NS);
    assert_true(is_near(weir__latency_percentile(&l, START_NS), 95));
    for (int i = 0; i < 100; i++)
        weir__latency_record(&l, 200 * MS_NS, START_NS);
    assert_true(is_near(weir__latency_percentile(&l, START_NS), 200));
    weir__latency_free(&l);
}

static void a_clock_that_jumps_back_begins_anew_and_keeps_the_value(void **state)
{
    struct weir__latency l;

    (void)state;
    weir__latency_init(&l, 0.95);
    record_evenly(&l, 3, 1, START_NS);
    assert_true(is_near(weir__latency_percentile(&l, START_NS), 95));
    assert_true(is_near(weir__latency_percentile(&l, START_NS - 40 * SECOND_NS), 95));
    record_evenly(&l, 1, 2, START_NS - 39 * SECOND_NS);
    assert_true(is_near(weir__latency_percentile(&l, START_NS - 39 * SECOND_NS), 190));
    weir__latency_free(&l);
}

static void what_takes_no_time_is_known_too(void **state)
{
    struct weir__latency l;

    (void)state;
    weir__latency_init(&l, 0.95);
    for (int i = 0; i < 100; i++)
        weir__latency_record(&l, i % 2 == 0 ? 0 : -5, START_NS);
    assert_true(weir__latency_percentile(&l, START_NS) > 0);
    assert_true(weir__latency_percentile(&l, START_NS) < 1000);
    for (int i = 0; i < 100; i++)
        weir__latency_record(&l, INT64_MAX, START_NS);
    assert_true(weir__latency_percentile(&l, START_NS) > 100 * SECOND_NS);
    weir__latency_free(&l);
}

static void what_slow_ones_take_longer_is_their_mean(void **state)
{
    struct weir__latency l;

    (void)state;
    weir__latency_init(&l, 0.95);
    assert_int_equal(weir__latency_remaining(&l, 10 * MS_NS), 0);
    record_evenly(&l, 10, 1, START_NS);
    assert_in_range(weir__latency_remaining(&l, 80 * MS_NS), 10 * MS_NS, 12 * MS_NS); /* of 81 … 100 */
    assert_int_equal(weir__latency_remaining(&l, 200 * MS_NS), 0);
    weir__latency_free(&l);
}

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void it_is_as_exact_as_its_buckets(void **state)
{
    enum { COUNT = 5000 };
    static int64_t took[COUNT];
    static const double shares[] = {0.9, 0.95, 0.99};

    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(3); seed++)
        for (size_t s = 0; s < 3; s++) {
            struct weir__random random;
            struct weir__latency l;
            int64_t wanted;
            weir__random_seed(&random, seed);
            weir__latency_init(&l, shares[s]);
            for (int i = 0; i < COUNT; i++) {
                took[i] =
                    (int64_t)(1 + weir__random_below(&random, 1000) * weir__random_below(&random, 90000));
                weir__latency_record(&l, took[i], START_NS + i * MS_NS);
            }
            qsort(took, COUNT, sizeof took[0], compare);
            wanted = took[(int)(shares[s] * COUNT) - 1];
            assert_true(
                is_near(weir__latency_percentile(&l, START_NS + 16 * SECOND_NS), (double)wanted / 1e6));
            weir__latency_free(&l);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_known_from_the_hundredth_sample_on),
        cmocka_unit_test(samples_of_two_windows_make_a_hundred),
        cmocka_unit_test(what_is_older_than_two_windows_is_forgotten),
        cmocka_unit_test(after_a_pause_the_last_value_holds_until_there_are_a_hundred_new_ones),
        cmocka_unit_test(one_new_sample_changes_nothing_and_many_do),
        cmocka_unit_test(a_clock_that_jumps_back_begins_anew_and_keeps_the_value),
        cmocka_unit_test(what_takes_no_time_is_known_too),
        cmocka_unit_test(what_slow_ones_take_longer_is_their_mean),
        cmocka_unit_test(it_is_as_exact_as_its_buckets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
