/* SPDX-License-Identifier: MIT */
/* The arithmetic of admission: what a request that has to wait must expect, and why it may not. */
#include "apps/admission.h"

#include "support/run.h"

static int64_t expected_ms(int waiting, int places, int64_t service_ms)
{
    const struct app_load load = {waiting, places, weir_ms(service_ms).ns};

    return app_expected_wait(&load).ns / 1000000;
}

static void a_wait_is_expected_from_those_before(void **state)
{
    (void)state;
    assert_int_equal(expected_ms(0, 4, 100), 0);
    assert_int_equal(expected_ms(4, 4, 100), 100);
    assert_int_equal(expected_ms(10, 4, 100), 250);
    assert_int_equal(expected_ms(3, 0, 100), 0); /* none is ready: nothing is known */
    assert_int_equal(expected_ms(3, 4, 0), 0);
    assert_int_equal(expected_ms(1000000, 1, 86400000), 3600000); /* no overflow */
    assert_int_equal(expected_ms(1000000, 65536, INT64_MAX / 1000000), 3600000);
}

static void a_request_is_refused_by_what_it_has_to_expect(void **state)
{
    static const struct {
        int waiting, queue;
        int64_t wait_ms, left_ms;
        enum app_refusal refusal;
    } cases[] = {
        {0, 64, 500, 10000, APP_ADMITTED},    {0, 0, 500, 10000, APP_FULL}, /* nobody may wait */
        {63, 64, 10000, 10000, APP_ADMITTED}, {64, 64, 10000, 10000, APP_FULL},
        {16, 64, 500, 10000, APP_ADMITTED}, /* 16 × 100 ms / 4, and a quarter */
        {17, 64, 500, 10000, APP_SLOW},       {16, 64, 500, 399, APP_LATE},
        {16, 64, 500, 400, APP_ADMITTED},     {0, 64, 0, 0, APP_ADMITTED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct app_load load = {cases[i].waiting, 4, weir_ms(100).ns};

        assert_int_equal(
            app_admit(&load, cases[i].queue, weir_ms(cases[i].wait_ms), weir_ms(cases[i].left_ms)),
            cases[i].refusal);
    }
    for (int i = 0; i < APP_REFUSALS; i++)
        assert_true(app_refusal_name((enum app_refusal)i)[0] != '\0');
}

static void a_client_is_told_when_to_come_again(void **state)
{
    struct app_load load = {100, 4, weir_ms(100).ns};

    (void)state;
    assert_int_equal(app_retry_after(&load).ns, weir_ms(2500).ns);
    load.waiting = 3;
    assert_int_equal(app_retry_after(&load).ns, weir_seconds(1).ns);
}

static void the_time_of_service_is_followed_slowly(void **state)
{
    int64_t service = app_service_follow(0, 1000000);

    (void)state;
    assert_int_equal(service, 1000000);
    service = app_service_follow(service, 17000000);
    assert_int_equal(service, 2000000);
    for (int i = 0; i < 200; i++)
        service = app_service_follow(service, 0);
    assert_true(service > 0 && service < 1000);
    assert_true(app_service_follow(0, 0) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_is_expected_from_those_before),
        cmocka_unit_test(a_request_is_refused_by_what_it_has_to_expect),
        cmocka_unit_test(a_client_is_told_when_to_come_again),
        cmocka_unit_test(the_time_of_service_is_followed_slowly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
