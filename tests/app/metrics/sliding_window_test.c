/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "metrics/sliding_window.h"

#define SECOND INT64_C(1000000000)

struct fixture {
    struct window_clock clock;
    struct sliding_window *r;
    weir_meter total;
    uint64_t numbers[2];
    int64_t now_ns;
};

static void begin(struct fixture *s)
{
    memset(s, 0, sizeof *s);
    s->now_ns = 5 * SECOND; /* instants do not begin at 0 */
    window_clock_init(&s->clock, (weir_instant){s->now_ns});
    s->r = sliding_window_new(2);
    assert_non_null(s->r);
}

static void end(struct fixture *s)
{
    sliding_window_free(s->r);
}

static void look(struct fixture *s)
{
    sliding_window_update(s->r, &s->total, s->numbers);
    if (window_clock_turn(&s->clock, (weir_instant){s->now_ns}))
        sliding_window_next_second(s->r, &s->clock);
}

/* Lets time pass, and updates the window at its end. */
static void pass(struct fixture *s, double seconds)
{
    s->now_ns += (int64_t)(seconds * 1e9);
    look(s);
}

static void record(struct fixture *s, int64_t ms, int times)
{
    weir_meter_record_many(&s->total, weir_ms(ms), (uint64_t)times);
    s->numbers[0] += (uint64_t)times;
}

static struct window_sum window(struct fixture *s, int seconds)
{
    static struct window_sum w;

    sliding_window_sum(s->r, &s->clock, (weir_instant){s->now_ns}, seconds, &w);
    return w;
}

static void assert_near(double got, double wanted)
{
    if (got < wanted * 0.98 || got > wanted * 1.02)
        fail_msg("%g is not near %g", got, wanted);
}

static void nothing_came_of_nothing(void **state)
{
    static struct fixture s;
    static struct window_sum w;

    (void)state;
    begin(&s);
    look(&s);
    w = window(&s, 10);
    assert_int_equal(weir_meter_count(&w.meter), 0);
    assert_true(w.seconds == 0);
    end(&s);
}

static void the_present_second_counts_at_once(void **state)
{
    static struct fixture s;
    static struct window_sum w;

    (void)state;
    begin(&s);
    record(&s, 7, 3);
    pass(&s, 0.25);
    w = window(&s, 10);
    assert_int_equal(weir_meter_count(&w.meter), 3);
    assert_int_equal(w.meter.sum_ns, 21000000);
    assert_int_equal(w.numbers[0], 3);
    assert_near(w.seconds, 0.25);
    assert_int_equal(weir_meter_count(sliding_window_meter(s.r)), 3);
    assert_int_equal(sliding_window_numbers(s.r)[0], 3);
    end(&s);
}

static void a_window_holds_its_seconds_and_no_more(void **state)
{
    static struct fixture s;
    static struct window_sum w;

    (void)state;
    begin(&s);
    for (int second = 0; second < 200;
         second++) { /* second i has i durations of i ms, so that seconds can be distinguished */
        uint64_t wanted, wanted_sum;

        record(&s, second, second);
        pass(&s, 1);
        if (second < 70)
            continue;
        w = window(&s, 10);
        wanted = wanted_sum = 0;
        for (int i = second - 9; i <= second; i++) {
            wanted += (uint64_t)i;
            wanted_sum += (uint64_t)i * (uint64_t)i * 1000000;
        }
        assert_int_equal(weir_meter_count(&w.meter), wanted);
        assert_int_equal(w.numbers[0], wanted);
        assert_int_equal(w.meter.sum_ns, wanted_sum);
        assert_near(w.seconds, 10);
        assert_near((double)weir_meter_quantile(&w.meter, 0).ns, (second - 9) * 1e6);
        assert_near((double)weir_meter_quantile(&w.meter, 1).ns, second * 1e6);
        w = window(&s, 60);
        assert_int_equal(w.numbers[0], (uint64_t)((second - 59 + second) * 30));
        assert_near(w.seconds, 60);
    }
    end(&s);
}

/* At any instant, at most half a second is missing or too much. */
static void a_window_is_near_its_length_at_any_moment(void **state)
{
    static struct fixture s;
    static struct window_sum w;

    (void)state;
    begin(&s);
    for (int step = 0; step < 1000; step++) {
        record(&s, 1, 10);
        pass(&s, 0.1);
        if (step < 610)
            continue;
        w = window(&s, 10);
        assert_true(w.seconds > 9.4 && w.seconds < 10.6);
        assert_near((double)w.numbers[0] / w.seconds, 100);
        w = window(&s, 60);
        assert_true(w.seconds > 59.4 && w.seconds < 60.6);
        assert_near((double)w.numbers[0] / w.seconds, 100);
    }
    end(&s);
}

/* Updates may come late. */
static void a_gap_is_one_long_second(void **state)
{
    static struct fixture s;
    static struct window_sum w;

    (void)state;
    begin(&s);
    pass(&s, 1);
    record(&s, 1, 100);
    pass(&s, 25);
    record(&s, 1, 10);
    pass(&s, 1);
    w = window(&s, 10);
    assert_int_equal(w.numbers[0], 10);
    assert_near(w.seconds, 1);
    w = window(&s, 60);
    assert_int_equal(w.numbers[0], 110);
    assert_near(w.seconds, 27);
    end(&s);
}

static void more_than_a_piece_holds_is_not_lost(void **state)
{
    static struct fixture s;
    static struct window_sum w;

    (void)state;
    begin(&s);
    record(&s, 3, 1000000);
    pass(&s, 1);
    record(&s, 3, 65535);
    pass(&s, 1);
    w = window(&s, 10);
    assert_int_equal(weir_meter_count(&w.meter), 1065535);
    assert_int_equal(w.numbers[0], 1065535);
    end(&s);
}

static void what_went_back_has_begun_anew(void **state)
{
    static struct fixture s;
    static struct window_sum w;

    (void)state;
    begin(&s);
    record(&s, 1, 50);
    pass(&s, 1);
    memset(&s.total, 0, sizeof s.total);
    memset(s.numbers, 0, sizeof s.numbers);
    record(&s, 2, 5);
    pass(&s, 0.5);
    w = window(&s, 10);
    assert_int_equal(w.numbers[0], 55);
    assert_int_equal(weir_meter_count(&w.meter), 55);
    assert_int_equal(weir_meter_count(sliding_window_meter(s.r)), 5);
    end(&s);
}

static void a_series_may_have_no_meter(void **state)
{
    static struct fixture s;
    static struct window_sum w;

    (void)state;
    begin(&s);
    sliding_window_update(s.r, NULL, (uint64_t[]){4, 9});
    s.now_ns += SECOND / 2;
    w = window(&s, 10);
    assert_int_equal(w.numbers[0], 4);
    assert_int_equal(w.numbers[1], 9);
    assert_int_equal(weir_meter_count(&w.meter), 0);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_came_of_nothing),
        cmocka_unit_test(the_present_second_counts_at_once),
        cmocka_unit_test(a_window_holds_its_seconds_and_no_more),
        cmocka_unit_test(a_window_is_near_its_length_at_any_moment),
        cmocka_unit_test(a_gap_is_one_long_second),
        cmocka_unit_test(more_than_a_piece_holds_is_not_lost),
        cmocka_unit_test(what_went_back_has_begun_anew),
        cmocka_unit_test(a_series_may_have_no_meter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
