/* SPDX-License-Identifier: MIT */
/* The circuit breaker: what opens it, the probe, and how long it stays open. */
#include "support/run.h"

#include "http/client/backend/breaker.h"

static const int64_t second_ns = 1000000000;
static const struct weir__breaker_settings usual = {
    .failed_percent = 50, .of = 20, .within_ns = 10000000000, .open_ns = 5000000000};

static enum weir__breaker_news failed(struct weir__breaker *b, int64_t now_ns)
{
    return weir__breaker_count(b, &usual, now_ns, false, true);
}

static enum weir__breaker_news answer(struct weir__breaker *b, int64_t now_ns)
{
    return weir__breaker_count(b, &usual, now_ns, false, false);
}

/* Opens it at an instant. */
static void open_at(struct weir__breaker *b, int64_t now_ns)
{
    for (int i = 0; i < 19; i++)
        assert_int_equal(failed(b, now_ns), WEIR__BREAKER_STAYS);
    assert_int_equal(failed(b, now_ns), WEIR__BREAKER_OPENS);
}

static void it_opens_at_the_share_of_the_least_number(void **state)
{
    struct weir__breaker b = {0};

    (void)state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(answer(&b, second_ns), WEIR__BREAKER_STAYS);
    for (int i = 0; i < 9; i++)
        assert_int_equal(failed(&b, second_ns), WEIR__BREAKER_STAYS);
    assert_int_equal(weir__breaker_admit(&b, second_ns), WEIR__BREAKER_PASSES);
    assert_int_equal(failed(&b, second_ns), WEIR__BREAKER_OPENS);
    assert_int_equal(weir__breaker_admit(&b, second_ns), WEIR__BREAKER_REFUSES);
    assert_int_equal(atomic_load(&b.opened), 1);
}

static void it_stays_closed_below_the_share(void **state)
{
    struct weir__breaker b = {0};

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(i % 2 == 1 && i % 20 != 19 ? failed(&b, second_ns) : answer(&b, second_ns),
                         WEIR__BREAKER_STAYS);
}

static void requests_of_the_whole_window_count_and_older_ones_do_not(void **state)
{
    struct weir__breaker b = {0};

    (void)state;
    for (int i = 0; i < 19; i++) /* over 9 s, across the parts of the window */
        assert_int_equal(failed(&b, 7 * second_ns + i * second_ns / 2), WEIR__BREAKER_STAYS);
    assert_int_equal(failed(&b, 16 * second_ns + second_ns / 2), WEIR__BREAKER_OPENS);

    b = (struct weir__breaker){0};
    for (int i = 0; i < 19; i++)
        assert_int_equal(failed(&b, 7 * second_ns), WEIR__BREAKER_STAYS);
    for (int i = 0; i < 19; i++)
        assert_int_equal(failed(&b, 19 * second_ns), WEIR__BREAKER_STAYS);
    assert_int_equal(failed(&b, 19 * second_ns), WEIR__BREAKER_OPENS);
}

static void one_probe_decides(void **state)
{
    struct weir__breaker b = {0};
    const int64_t opened = 100 * second_ns, later = opened + 5 * second_ns;

    (void)state;
    open_at(&b, opened);
    assert_int_equal(weir__breaker_refuses_for(&b, opened + second_ns), 4 * second_ns);
    assert_int_equal(weir__breaker_admit(&b, later - 1), WEIR__BREAKER_REFUSES);
    assert_int_equal(weir__breaker_admit(&b, later), WEIR__BREAKER_PROBES);
    assert_int_equal(weir__breaker_admit(&b, later), WEIR__BREAKER_REFUSES);
    assert_true(weir__breaker_refuses_for(&b, later) > 0);
    assert_int_equal(answer(&b, later), WEIR__BREAKER_STAYS); /* it began before */
    assert_int_equal(failed(&b, later), WEIR__BREAKER_STAYS);
    assert_int_equal(weir__breaker_count(&b, &usual, later, true, false), WEIR__BREAKER_CLOSES);
    assert_int_equal(weir__breaker_admit(&b, later), WEIR__BREAKER_PASSES);
    assert_int_equal(failed(&b, later), WEIR__BREAKER_STAYS); /* what opened it is forgotten */
    assert_int_equal(weir__breaker_refuses_for(&b, later), 0);
}

static void a_failed_probe_doubles_the_time_up_to_a_minute(void **state)
{
    static const int64_t expected[] = {10, 20, 40, 60, 60};
    struct weir__breaker b = {0};
    int64_t now = 100 * second_ns;

    (void)state;
    open_at(&b, now);
    now += 5 * second_ns;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_int_equal(weir__breaker_admit(&b, now), WEIR__BREAKER_PROBES);
        assert_int_equal(weir__breaker_count(&b, &usual, now, true, true), WEIR__BREAKER_REOPENS);
        assert_int_equal(weir__breaker_refuses_for(&b, now), expected[i] * second_ns);
        now += expected[i] * second_ns;
    }
    assert_int_equal(atomic_load(&b.opened), 1);
    assert_int_equal(weir__breaker_admit(&b, now), WEIR__BREAKER_PROBES);
    assert_int_equal(weir__breaker_count(&b, &usual, now, true, false), WEIR__BREAKER_CLOSES);
    open_at(&b, now);
    assert_int_equal(weir__breaker_refuses_for(&b, now), 5 * second_ns); /* anew */
}

static void a_probe_that_says_nothing_is_followed_by_another(void **state)
{
    struct weir__breaker b = {0};
    const int64_t later = 105 * second_ns;

    (void)state;
    open_at(&b, 100 * second_ns);
    assert_int_equal(weir__breaker_admit(&b, later), WEIR__BREAKER_PROBES);
    weir__breaker_forgo(&b, later);
    assert_int_equal(weir__breaker_admit(&b, later), WEIR__BREAKER_PROBES);
    /* and so is one of which nothing is ever heard */
    assert_int_equal(weir__breaker_admit(&b, later + 59 * second_ns), WEIR__BREAKER_REFUSES);
    assert_int_equal(weir__breaker_admit(&b, later + 60 * second_ns), WEIR__BREAKER_PROBES);
}

static void many_requests_do_not_overflow_a_part(void **state)
{
    struct weir__breaker b = {0};

    (void)state;
    for (int i = 0; i < 70000; i++)
        assert_int_equal(answer(&b, second_ns), WEIR__BREAKER_STAYS);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(failed(&b, second_ns), WEIR__BREAKER_STAYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_opens_at_the_share_of_the_least_number),
        cmocka_unit_test(it_stays_closed_below_the_share),
        cmocka_unit_test(requests_of_the_whole_window_count_and_older_ones_do_not),
        cmocka_unit_test(one_probe_decides),
        cmocka_unit_test(a_failed_probe_doubles_the_time_up_to_a_minute),
        cmocka_unit_test(a_probe_that_says_nothing_is_followed_by_another),
        cmocka_unit_test(many_requests_do_not_overflow_a_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
