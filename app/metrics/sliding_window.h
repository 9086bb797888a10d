/* SPDX-License-Identifier: MIT */
/* What came in the last seconds of something that only grows: a meter and some numbers beside it, seen once a
 * second as totals. A second is kept as what was new in it, so that a quiet series costs little.
 *
 * Threading: belongs to one loop or thread; it is given copies.
 */
#ifndef APP_METRICS_SLIDING_WINDOW_H
#define APP_METRICS_SLIDING_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/meter.h>
#include <weir/time.h>

enum {
    ROLLING_SHORT_S = 10,
    ROLLING_LONG_S = 60,
    ROLLING_SECONDS = ROLLING_LONG_S + 1, /* the present one is not over */
    ROLLING_NUMBERS_MAX = 32,
};

/* The seconds, which all series share. */
struct rolling_clock {
    int64_t began_ns[ROLLING_SECONDS];
    size_t present; /* the one that runs */
    size_t count;   /* that have begun */
};

void rolling_clock_init(struct rolling_clock *clock, weir_instant now);

/* Begins a new second when the present one is over. Every series is told with rolling_next(), having seen its
 * totals of this moment.
 * Returns: whether it did.
 */
bool rolling_clock_turn(struct rolling_clock *clock, weir_instant now);

struct rolling;

/* A series with so many numbers beside its meter.
 * Returns: NULL when there is no memory.
 */
struct rolling *rolling_new(size_t numbers);

/* The same without a meter: rolling_see() is given none. */
struct rolling *rolling_new_plain(size_t numbers);
void rolling_free(struct rolling *r);

/* The totals as they are now. When one has gone back, it is taken to have begun anew.
 * Owns:    both are lent. meter NULL: there is none.
 */
void rolling_see(struct rolling *r, const weir_meter *meter, const uint64_t *numbers);

/* What has been seen so far was before the start: it is in no second. */
void rolling_begin_here(struct rolling *r);

/* The clock has begun a second. What there is no memory for is forgotten. */
void rolling_next(struct rolling *r, const struct rolling_clock *clock);

struct rolling_window {
    double seconds; /* that it covers: up to a second more than asked for, fewer after the start */
    weir_meter meter;
    uint64_t numbers[ROLLING_NUMBERS_MAX];
};

/* What came in the last seconds, as far as they have been seen. */
void rolling_sum(const struct rolling *r, const struct rolling_clock *clock, weir_instant now, int seconds,
                 struct rolling_window *out);

/* The totals, as last seen. */
const weir_meter *rolling_meter(const struct rolling *r);
const uint64_t *rolling_numbers(const struct rolling *r);

#endif
