/* SPDX-License-Identifier: MIT */
#include "metrics/series.h"

#include <errno.h>
#include <string.h>

static int open_over(struct series *s, struct sliding_window *window)
{
    *s = (struct series){.window = window};
    if (window == NULL)
        return -ENOMEM;
    s->meter = sliding_window_meter(window);
    s->numbers = sliding_window_numbers(window);
    return 0;
}

int series_open(struct series *s, size_t numbers)
{
    return open_over(s, sliding_window_new(numbers));
}

int series_open_plain(struct series *s, size_t numbers)
{
    return open_over(s, sliding_window_new_plain(numbers));
}

void series_close(struct series *s)
{
    sliding_window_free(s->window);
    *s = (struct series){0};
}

void series_update(struct series *s, const weir_meter *meter, const uint64_t *numbers)
{
    sliding_window_update(s->window, meter, numbers);
}

static double ms(weir_duration d)
{
    return (double)d.ns / 1e6;
}

static double mean_square_ms2(const weir_meter *meter)
{
    double sum = 0, count = 0;

    for (unsigned i = 0; i < WEIR_METER_BUCKETS; i++)
        if (meter->buckets[i] > 0) { /* most are empty */
            const double n = (double)meter->buckets[i], middle = ms(weir_meter_middle(i));
            sum += n * middle * middle;
            count += n;
        }
    return count > 0 ? sum / count : 0;
}

static void work_out_times(struct series_window *out, const weir_meter *meter)
{
    out->count = weir_meter_count(meter);
    if (out->count == 0)
        return;
    out->mean_ms = (double)meter->sum_ns / (double)out->count / 1e6;
    out->mean_square_ms2 = mean_square_ms2(meter);
    out->p50_ms = ms(weir_meter_quantile(meter, 0.5));
    out->p90_ms = ms(weir_meter_quantile(meter, 0.9));
    out->p99_ms = ms(weir_meter_quantile(meter, 0.99));
    out->p999_ms = ms(weir_meter_quantile(meter, 0.999));
}

void series_work_out(struct series *s, const struct window_clock *clock, weir_instant now)
{
    static const int seconds[SERIES_SPANS] = {[LAST_10S] = WINDOW_SHORT_S, [LAST_60S] = WINDOW_LONG_S};
    struct window_sum sum;

    for (int span = 0; span < SERIES_SPANS; span++) {
        struct series_window *out = &s->last[span];
        sliding_window_sum(s->window, clock, now, seconds[span], &sum);
        memset(out, 0, sizeof *out);
        out->seconds = sum.seconds;
        memcpy(out->numbers, sum.numbers, sizeof out->numbers);
        if (s->meter != NULL)
            work_out_times(out, &sum.meter);
    }
}

void series_durations(const struct series *s, const struct window_clock *clock, weir_instant now, int seconds,
                      weir_meter *sum)
{
    struct window_sum window;

    if (s->window == NULL || s->meter == NULL)
        return;
    sliding_window_sum(s->window, clock, now, seconds, &window);
    weir_meter_add(sum, &window.meter);
}
