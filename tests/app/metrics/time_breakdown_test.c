/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "metrics/time_breakdown.h"

static weir_charge charge(enum weir_charge_category kind, const char *name, int64_t ms)
{
    return (weir_charge){.category = kind, .name = name, .share = weir_ms(ms)};
}

static void take_one(struct breakdown_cell *cell, weir_charge one)
{
    breakdown_take(cell, &one, 1);
}

static struct breakdown_total total_of(const struct breakdown_cell *cells, size_t count)
{
    struct breakdown_total total = {0};

    for (size_t i = 0; i < count; i++)
        breakdown_add(&cells[i], &total);
    return total;
}

static void shares_add_up_by_kind(void **state)
{
    static struct breakdown_cell cells[2];
    const weir_charge charges[] = {charge(WEIR_CHARGE_RUN, NULL, 2), charge(WEIR_CHARGE_BACKEND, "user", 30),
                                   charge(WEIR_CHARGE_BACKEND, "ads", 5)};
    struct breakdown_total total;

    (void)state;
    breakdown_take(&cells[0], charges, 3);
    breakdown_take(&cells[1], charges, 2);
    breakdown_take(&cells[1], charges, 0); /* a request without a ledger */
    total = total_of(cells, 2);
    assert_int_equal(total.samples, 2);
    assert_int_equal(total.charges_ns[WEIR_CHARGE_RUN], 4000000);
    assert_int_equal(total.charges_ns[WEIR_CHARGE_BACKEND], 65000000);
    assert_int_equal(total.charges_ns[WEIR_CHARGE_TIMER], 0);
    assert_int_equal(weir_meter_count(&total.run), 2);
}

static void the_slowest_wait_and_its_loop_are_known(void **state)
{
    static struct breakdown_cell cells[2];
    struct breakdown_total total;

    (void)state;
    for (int i = 0; i < 3; i++)
        take_one(&cells[0], charge(WEIR_CHARGE_BACKEND, "user", 10));
    take_one(&cells[1], charge(WEIR_CHARGE_BACKEND, "orders", 40));
    take_one(&cells[1], charge(WEIR_CHARGE_CONNECT, "orders", 7));
    total = total_of(cells, 2);
    assert_string_equal(total.slowest, "orders");
    assert_int_equal(total.slowest_ns, 40000000);
    assert_int_equal(total.slowest_weight, 2 * BREAKDOWN_WEIGHT);
}

static void computing_and_pools_are_no_waits(void **state)
{
    static struct breakdown_cell cell;

    (void)state;
    take_one(&cell, charge(WEIR_CHARGE_RUN, NULL, 10));
    take_one(&cell, charge(WEIR_CHARGE_READY, NULL, 10));
    take_one(&cell, charge(WEIR_CHARGE_POOL_QUEUE, "compute", 10));
    take_one(&cell, charge(WEIR_CHARGE_POOL_RUN, "compute", 10));
    assert_string_equal(total_of(&cell, 1).slowest, "");
    take_one(&cell, charge(WEIR_CHARGE_SLOT, "user", 1));
    assert_string_equal(total_of(&cell, 1).slowest, "slot user");
}

static void who_held_longest_is_known(void **state)
{
    static struct breakdown_cell cell;
    weir_charge ready = charge(WEIR_CHARGE_READY, NULL, 30);
    struct breakdown_total total;

    (void)state;
    ready.held_by = "GET /a";
    ready.held = weir_ms(10);
    take_one(&cell, ready);
    ready.held_by = "GET /report";
    ready.held = weir_ms(20);
    take_one(&cell, ready);
    total = total_of(&cell, 1);
    assert_string_equal(total.holder, "GET /report");
    assert_int_equal(total.holder_ns, 20000000);
}

/* With more names than slots the smallest goes, never the greatest. */
static void many_names_leave_the_longest(void **state)
{
    static struct breakdown_cell cell;
    char name[16];
    struct breakdown_total total;

    (void)state;
    take_one(&cell, charge(WEIR_CHARGE_BACKEND, "slow", 500));
    for (int i = 0; i < 4 * BREAKDOWN_NAMES; i++) {
        snprintf(name, sizeof name, "b%d", i);
        take_one(&cell, charge(WEIR_CHARGE_BACKEND, name, 1 + i % 3));
    }
    total = total_of(&cell, 1);
    assert_string_equal(total.slowest, "slow");
    assert_int_equal(total.slowest_ns, 500000000);
}

static void a_long_name_is_cut_and_found_again(void **state)
{
    static struct breakdown_cell cell;
    char name[2 * BREAKDOWN_NAME_BYTES];
    struct breakdown_total total;

    (void)state;
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    take_one(&cell, charge(WEIR_CHARGE_BACKEND, name, 10));
    take_one(&cell, charge(WEIR_CHARGE_BACKEND, name, 10));
    total = total_of(&cell, 1);
    assert_int_equal(strlen(total.slowest), BREAKDOWN_NAME_BYTES - 1);
    assert_int_equal(total.slowest_ns, 20000000);
}

static void each_second_so_many_are_looked_at(void **state)
{
    static struct breakdown_cell cell;
    int wanted = 0;

    (void)state;
    for (int i = 0; i < 10 * BREAKDOWN_SAMPLES; i++)
        wanted += breakdown_wants(&cell, 1);
    assert_int_equal(wanted, BREAKDOWN_SAMPLES);
    assert_true(breakdown_wants(&cell, 2));
}

/* What was slow once is not named for ever. */
static void names_are_forgotten(void **state)
{
    static struct breakdown_cell cell;
    double one_ms;
    struct breakdown_total total;

    (void)state;
    take_one(&cell, charge(WEIR_CHARGE_BACKEND, "was slow", 1000));
    for (uint32_t second = 1; second <= 300; second++) {
        (void)breakdown_wants(&cell, second);
        take_one(&cell, charge(WEIR_CHARGE_BACKEND, "is slow", 10));
    }
    total = total_of(&cell, 1);
    assert_string_equal(total.slowest, "is slow");
    one_ms = (double)total.slowest_ns * BREAKDOWN_WEIGHT / (double)total.slowest_weight / 1e6;
    assert_true(one_ms > 9.9 && one_ms < 10.1);
    assert_int_equal(total.samples, 301);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_add_up_by_kind),
        cmocka_unit_test(the_slowest_wait_and_its_loop_are_known),
        cmocka_unit_test(computing_and_pools_are_no_waits),
        cmocka_unit_test(who_held_longest_is_known),
        cmocka_unit_test(many_names_leave_the_longest),
        cmocka_unit_test(a_long_name_is_cut_and_found_again),
        cmocka_unit_test(each_second_so_many_are_looked_at),
        cmocka_unit_test(names_are_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
