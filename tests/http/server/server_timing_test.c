/* SPDX-License-Identifier: MIT */
/* The Server-Timing header: names that are tokens, the largest first, an end to its length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/message/chars.h"
#include "http/server/server_timing.h"

static char out[WEIR__SERVER_TIMING_BYTES];

static const char *write(weir_charge *charges, size_t count, int64_t total_ns)
{
    size_t n = weir__server_timing_write(out, charges, count, (weir_duration){total_ns});

    assert_int_equal(strlen(out), n);
    return out;
}

static void the_largest_stands_first_and_the_total_last(void **state)
{
    weir_charge charges[] = {
        {.category = WEIR_CHARGE_RUN, .share = {200000}},
        {.category = WEIR_CHARGE_QUEUE, .share = {999}},
        {.category = WEIR_CHARGE_BACKEND, .name = "user", .share = {12100000}},
        {.category = WEIR_CHARGE_BACKEND, .name = "orders", .share = {67900499}},
        {.category = WEIR_CHARGE_CONNECT, .name = "orders", .share = {1000}},
    };

    (void)state;
    assert_string_equal(write(charges, 5, INT64_C(3600000000000)),
                        "orders;dur=67.900, user;dur=12.100, run;dur=0.200, "
                        "connect-orders;desc=\"connect orders\";dur=0.001, total;dur=3600000.000");
    assert_string_equal(write(charges, 0, 0), "total;dur=0.000");
}

static void any_name_becomes_a_token(void **state)
{
    weir_charge charges[] = {
        {.category = WEIR_CHARGE_BACKEND, .name = "127.0.0.1:80", .share = {9000}},
        {.category = WEIR_CHARGE_BACKEND, .name = "total", .share = {8000}},
        {.category = WEIR_CHARGE_BACKEND, .name = "run", .share = {7000}},
        {.category = WEIR_CHARGE_BACKEND, .name = "a \"b\\\"\r\n\xc3\xa4", .share = {6000}},
        {.category = WEIR_CHARGE_BACKEND, .name = "", .share = {5000}},
    };

    (void)state;
    assert_string_equal(
        write(charges, 5, 35000),
        "127.0.0.1_80;desc=\"127.0.0.1:80\";dur=0.009, backend-total;desc=\"total\";dur=0.008, "
        "backend-run;desc=\"run\";dur=0.007, "
        "a__b______;desc=\"a \\\"b\\\\\\\"????\";dur=0.006, "
        "backend-;desc=\"\";dur=0.005, total;dur=0.035");
}

static void what_does_not_fit_is_left_out(void **state)
{
    static weir_charge charges[WEIR_CHARGES_MAX];
    static char names[WEIR_CHARGES_MAX][500];

    (void)state;
    for (size_t length = 1; length < sizeof names[0]; length++) {
        for (size_t i = 0; i < WEIR_CHARGES_MAX; i++) {
            memset(names[i], '\\', length);
            charges[i] = (weir_charge){
                .category = WEIR_CHARGE_SLOT, .name = names[i], .share = {INT64_MAX - (int64_t)i}};
        }
        write(charges, WEIR_CHARGES_MAX, INT64_MAX);
        assert_non_null(strstr(out, "dur=9223372036854.775, total;dur=9223372036854.775"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_stands_first_and_the_total_last),
        cmocka_unit_test(any_name_becomes_a_token),
        cmocka_unit_test(what_does_not_fit_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
