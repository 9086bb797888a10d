/* SPDX-License-Identifier: MIT */
/* Time: instants and durations, in nanoseconds, as types that cannot be confused.
 *
 * Threading: weir_now() and weir_after*() read the clock of the loop they are called on (virtual time under
 * simulation), elsewhere the monotonic clock. Nothing here waits.
 */
#ifndef WEIR_TIME_H
#define WEIR_TIME_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_instant {
    int64_t ns; /* since an arbitrary start that does not change while the process lives */
} weir_instant;

typedef struct weir_duration {
    int64_t ns;
} weir_duration;

static inline weir_duration weir_us(int64_t us)
{
    weir_duration d = {us * 1000};

    return d;
}

static inline weir_duration weir_ms(int64_t ms)
{
    weir_duration d = {ms * 1000000};

    return d;
}

static inline weir_duration weir_seconds(int64_t s)
{
    weir_duration d = {s * 1000000000};

    return d;
}

/* The instant that never comes: no deadline. */
static inline weir_instant weir_never(void)
{
    weir_instant t = {INT64_MAX};

    return t;
}

static inline bool weir_is_never(weir_instant t)
{
    return t.ns == INT64_MAX;
}

/* b - a; neither may be weir_never(). */
static inline weir_duration weir_between(weir_instant a, weir_instant b)
{
    weir_duration d = {b.ns - a.ns};

    return d;
}

/* t + d; saturates at weir_never() instead of overflowing. */
static inline weir_instant weir_add(weir_instant t, weir_duration d)
{
    weir_instant r;

    if (__builtin_add_overflow(t.ns, d.ns, &r.ns))
        r.ns = d.ns > 0 ? INT64_MAX : INT64_MIN;
    return r;
}

/* Reads the clock: the exact present, not the time at which the loop's turn began.
 * Returns: an instant; never fails.
 * Where:   any thread. Virtual time in a task under simulation.
 */
weir_instant weir_now(void);

/* Computes the instant d from now.
 * Returns: weir_add(weir_now(), d).
 * Where:   any thread.
 */
static inline weir_instant weir_after(weir_duration d)
{
    return weir_add(weir_now(), d);
}

static inline weir_instant weir_after_ms(int64_t ms)
{
    return weir_after(weir_ms(ms));
}

#ifdef __cplusplus
}
#endif
#endif
