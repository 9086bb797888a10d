/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "metrics/exemplars.h"

static void each_falls_into_the_bucket_of_its_bound(void **state)
{
    (void)state;
    for (unsigned i = 0; i < BUCKET_BOUNDS; i++) {
        assert_int_equal(bucket_of(weir_us(bucket_bounds[i].us)), i);
        assert_int_equal(bucket_of((weir_duration){bucket_bounds[i].us * 1000 + 1}), i + 1);
        /* both texts are the bound */
        assert_true(strtod(bucket_bounds[i].le, NULL) == (double)bucket_bounds[i].us / 1e6);
        assert_true(strtod(bucket_bounds[i].le_float, NULL) == (double)bucket_bounds[i].us / 1e6);
    }
    assert_int_equal(bucket_of((weir_duration){0}), 0);
    assert_int_equal(bucket_of((weir_duration){INT64_MAX}), BUCKET_BOUNDS);
}

static void the_latest_is_kept(void **state)
{
    static struct exemplars exemplars;
    const weir_trace first = {.id_high = 1, .id_low = 2}, second = {.id_high = 3, .id_low = 4};
    struct exemplar read;

    (void)state;
    for (unsigned i = 0; i < BUCKETS; i++)
        assert_false(exemplars_read(&exemplars, i, &read));
    exemplars_keep(&exemplars, weir_us(900), &first);
    exemplars_keep(&exemplars, weir_us(700), &second);
    assert_true(exemplars_read(&exemplars, 3, &read));
    assert_true(read.trace.id_high == 3 && read.trace.id_low == 4);
    assert_int_equal(read.took.ns, 700000);
    assert_true(read.at_ms > UINT64_C(1700000000000));
    assert_false(exemplars_read(&exemplars, 2, &read));
}

enum { TIMES = 20000 };

static void *keep_many(void *arg)
{
    for (int64_t i = 1; i <= TIMES; i++) {
        const weir_trace trace = {.id_high = (uint64_t)i, .id_low = (uint64_t)i};
        exemplars_keep(arg, (weir_duration){i}, &trace);
    }
    return NULL;
}

/* An exemplar that is read is whole, never parts of two. */
static void it_can_be_read_at_any_moment(void **state)
{
    static struct exemplars exemplars;
    struct exemplar read = {0};
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, keep_many, &exemplars), 0);
    while (read.took.ns < TIMES)
        if (exemplars_read(&exemplars, 0, &read))
            assert_true(read.trace.id_high == read.trace.id_low &&
                        read.trace.id_low == (uint64_t)read.took.ns);
    pthread_join(thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_falls_into_the_bucket_of_its_bound),
        cmocka_unit_test(the_latest_is_kept),
        cmocka_unit_test(it_can_be_read_at_any_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
