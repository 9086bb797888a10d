/* SPDX-License-Identifier: MIT */
/* A figure that only grows, as pages show it: its totals, and what was new in the last 10 and 60 seconds.
 *
 * Threading: belongs to the collector's loop.
 */
#ifndef APP_METRICS_SERIES_H
#define APP_METRICS_SERIES_H

#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/meter.h>
#include <weir/time.h>

#include "metrics/sliding_window.h"

enum series_span { LAST_10S, LAST_60S, SERIES_SPANS };

/* What was new. The times are 0 when count is. */
struct series_window {
    double seconds; /* as in struct window_sum */
    uint64_t count; /* durations */
    double mean_ms, mean_square_ms2, p50_ms, p90_ms, p99_ms, p999_ms;
    uint64_t numbers[WINDOW_NUMBERS_MAX];
};

/* All zero is a closed one. */
struct series {
    const weir_meter *meter; /* totals; NULL: it has no durations */
    const uint64_t *numbers;
    struct series_window last[SERIES_SPANS]; /* as series_work_out() left it */
    struct sliding_window *window;           /* private */
};

/* Opens a series of durations and so many numbers.
 * Returns: 0; -ENOMEM.
 */
WEIR_CHECKED int series_open(struct series *s, size_t numbers);

/* The same without durations. */
WEIR_CHECKED int series_open_plain(struct series *s, size_t numbers);
void series_close(struct series *s);

/* Takes the totals as they are now, as sliding_window_update(). */
void series_update(struct series *s, const weir_meter *meter, const uint64_t *numbers);

/* Computes last[]. */
void series_work_out(struct series *s, const struct window_clock *clock, weir_instant now);

/* Adds the durations of the last so many seconds to a meter. */
void series_durations(const struct series *s, const struct window_clock *clock, weir_instant now, int seconds,
                      weir_meter *sum);

#endif
