/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "base/random.h"

#define DRAWS 100000

/* The reference values of xoshiro256** from the state 1, 2, 3, 4. */
static void draws_the_reference_sequence(void **state)
{
    struct weir__random r = {{1, 2, 3, 4}};
    const uint64_t wanted[] = {11520U, 0U, 1509978240U, 1215971899390074240U};

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_true(weir__random_u64(&r) == wanted[i]);
}

/* The first outputs of splitmix64 from 0, which are the state that seed 0 gives. */
static void spreads_the_seed(void **state)
{
    struct weir__random r;

    (void)state;
    weir__random_seed(&r, 0);
    assert_true(r.state[0] == 0xe220a8397b1dcdafU);
    assert_true(r.state[1] == 0x6e789e6aa1b965f4U);
}

static void one_seed_is_one_sequence(void **state)
{
    struct weir__random a, b, c;
    int different = 0;

    (void)state;
    weir__random_seed(&a, 42);
    weir__random_seed(&b, 42);
    weir__random_seed(&c, 43);
    for (int i = 0; i < 1000; i++) {
        uint64_t x = weir__random_u64(&a);
        assert_true(x == weir__random_u64(&b));
        different += x != weir__random_u64(&c);
    }
    assert_int_equal(different, 1000);
}

static void below_is_below_and_even(void **state)
{
    struct weir__random r;
    int counts[7] = {0};

    (void)state;
    weir__random_seed(&r, 9);
    assert_int_equal(weir__random_below(&r, 0), 0);
    assert_int_equal(weir__random_below(&r, 1), 0);
    for (int i = 0; i < 7 * DRAWS; i++) {
        uint64_t x = weir__random_below(&r, 7);
        assert_true(x < 7);
        counts[x]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(counts[i], DRAWS - 1600, DRAWS + 1600); /* five deviations */
}

/* Taking the remainder alone would give the lower half twice as often as the upper quarter. */
static void below_has_no_bias_for_large_limits(void **state)
{
    struct weir__random r;
    const uint64_t n = 3ULL << 62;
    int low = 0;

    (void)state;
    weir__random_seed(&r, 10);
    for (int i = 0; i < DRAWS; i++)
        low += weir__random_below(&r, n) < n / 3;
    assert_in_range(low, DRAWS / 3 - 750, DRAWS / 3 + 750);
}

static void doubles_fill_the_unit_interval(void **state)
{
    struct weir__random r;
    double sum = 0, least = 1, most = 0;

    (void)state;
    weir__random_seed(&r, 11);
    for (int i = 0; i < DRAWS; i++) {
        double x = weir__random_double(&r);
        assert_true(x >= 0 && x < 1);
        sum += x;
        least = x < least ? x : least;
        most = x > most ? x : most;
    }
    assert_true(fabs(sum / DRAWS - 0.5) < 0.005);
    assert_true(least < 0.001 && most > 0.999);
}

static void normals_have_their_moments(void **state)
{
    struct weir__random r;
    double sum = 0, squares = 0, cubes = 0;
    int beyond_two = 0;

    (void)state;
    weir__random_seed(&r, 12);
    for (int i = 0; i < DRAWS; i++) {
        double x = weir__random_normal(&r);
        assert_true(isfinite(x));
        sum += x;
        squares += x * x;
        cubes += x * x * x;
        beyond_two += fabs(x) > 2;
    }
    assert_true(fabs(sum / DRAWS) < 0.016);
    assert_true(fabs(squares / DRAWS - 1) < 0.025);
    assert_true(fabs(cubes / DRAWS) < 0.06);
    assert_in_range(beyond_two, DRAWS * 43 / 1000, DRAWS * 48 / 1000); /* 4.55 % */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_the_reference_sequence),
        cmocka_unit_test(spreads_the_seed),
        cmocka_unit_test(one_seed_is_one_sequence),
        cmocka_unit_test(below_is_below_and_even),
        cmocka_unit_test(below_has_no_bias_for_large_limits),
        cmocka_unit_test(doubles_fill_the_unit_interval),
        cmocka_unit_test(normals_have_their_moments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
