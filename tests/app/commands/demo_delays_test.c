/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "commands/demo_delays.h"

enum { DRAWS = 100000, SERVICES = 12 };

static int by_length(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void half_are_below_12_ms_and_one_in_a_hundred_above_80(void **state)
{
    static int64_t ns[DRAWS];

    (void)state;
    for (unsigned i = 0; i < DRAWS; i++)
        ns[i] = demo_delay(1, i % SERVICES, i / SERVICES).ns;
    qsort(ns, DRAWS, sizeof *ns, by_length);
    assert_in_range(ns[0], 1, 2000000);
    assert_in_range(ns[DRAWS / 2], 11800000, 12200000);
    assert_in_range(ns[DRAWS / 100 * 99], 77000000, 83000000);
    assert_in_range(ns[DRAWS - 1], 200000000, 2000000000);
}

/* Delays must not change between versions: measurements are compared with them. */
static void the_list_is_fixed(void **state)
{
    (void)state;
    assert_in_range(demo_delay(1, 0, 0).ns, 8206000, 8208000);
    assert_in_range(demo_delay(1, 1, 0).ns, 18554000, 18556000);
    assert_in_range(demo_delay(1, 8, 0).ns, 21344000, 21346000);
}

static void seed_service_and_number_all_matter(void **state)
{
    int same;

    (void)state;
    same = 0;
    for (unsigned i = 0; i < 1000; i++) {
        int64_t one = demo_delay(1, 3, i).ns;
        same += one == demo_delay(2, 3, i).ns;
        same += one == demo_delay(1, 4, i).ns;
        same += one == demo_delay(1, 3, i + 1).ns;
    }
    assert_in_range(same, 0, 1);
}

static void one_in_twenty_fails(void **state)
{
    int failed = 0;

    (void)state;
    for (unsigned i = 0; i < DRAWS; i++)
        failed += demo_fails(1, 11, i);
    assert_in_range(failed, DRAWS / 20 - 300, DRAWS / 20 + 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_are_below_12_ms_and_one_in_a_hundred_above_80),
        cmocka_unit_test(the_list_is_fixed),
        cmocka_unit_test(seed_service_and_number_all_matter),
        cmocka_unit_test(one_in_twenty_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
