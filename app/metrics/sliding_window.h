/* SPDX-License-Identifier: MIT */
/* Sliding windows over numbers that only grow: a meter and some counters beside it, given as totals about
 * once a second. Of each past second only what was new in it is kept, so a quiet window costs little.
 *
 * Threading: a window belongs to one loop or thread; it is given copies.
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
    WINDOW_SHORT_S = 10,
    WINDOW_LONG_S = 60,
    WINDOW_SECONDS = WINDOW_LONG_S + 1, /* the present one is not over */
    WINDOW_NUMBERS_MAX = 40,
};

/* When each second began; one clock for all windows. */
struct window_clock {
    int64_t began_ns[WINDOW_SECONDS];
    size_t present; /* the second that runs, an index of began_ns */
    size_t count;   /* seconds that have begun, WINDOW_SECONDS at most */
};

void window_clock_init(struct window_clock *clock, weir_instant now);

/* Begins a new second when the present one is over. The caller then calls sliding_window_next_second() for
 * every window, each updated with its totals of this moment.
 * Returns: whether a second began.
 */
bool window_clock_turn(struct window_clock *clock, weir_instant now);

/* Returns: how many past seconds lie in the last so many; at most half a second of the oldest does not. */
size_t window_clock_past(const struct window_clock *clock, weir_instant now, int seconds);

/* The index of the second before this one. */
size_t window_clock_before(size_t second);

struct sliding_window;

/* A window over a meter and so many numbers, WINDOW_NUMBERS_MAX at most.
 * Returns: NULL when there is no memory.
 */
struct sliding_window *sliding_window_new(size_t numbers);

/* The same without a meter: sliding_window_update() is given NULL. */
struct sliding_window *sliding_window_new_plain(size_t numbers);
void sliding_window_free(struct sliding_window *w);

/* Takes the totals as they are now. A total that has decreased has begun anew at 0.
 * Owns:    both are lent; meter is NULL for a window without one.
 */
void sliding_window_update(struct sliding_window *w, const weir_meter *meter, const uint64_t *numbers);

/* Makes the present totals the start of the window: what led to them counts in no second. */
void sliding_window_begin_here(struct sliding_window *w);

/* Closes the second before clock->present. If there is no memory for its durations, they are forgotten. */
void sliding_window_next_second(struct sliding_window *w, const struct window_clock *clock);

struct window_sum {
    double seconds; /* its length: up to a second more than asked for, less after the start */
    weir_meter meter;
    uint64_t numbers[WINDOW_NUMBERS_MAX];
};

/* Adds up the last seconds, to the latest update. */
void sliding_window_sum(const struct sliding_window *w, const struct window_clock *clock, weir_instant now,
                        int seconds, struct window_sum *out);

/* The totals of the latest update; the meter is NULL for a window without one. */
const weir_meter *sliding_window_meter(const struct sliding_window *w);
const uint64_t *sliding_window_numbers(const struct sliding_window *w);

#endif
