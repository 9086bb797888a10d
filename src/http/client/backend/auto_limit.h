/* SPDX-License-Identifier: MIT */
/* A limit of requests in progress that follows what a backend can do.
 *
 * Each window of at least 20 answers gives a short median, which moves a long one slowly. The limit follows
 * their ratio: it sinks as answers get slower than they have been for long, and grows by a little, the root
 * of itself, while they do not, and at least half of it is used. A deadline that passes or a 503 takes a
 * tenth of it at once, once per window. It never probes by forcing the limit down. (After Gradient2 of
 * Netflix's concurrency-limits.)
 *
 * Requests of mixed costs are the hard case: medians, not means, and a long median that follows, so that a
 * backend whose mix changes is not throttled for good.
 *
 * Threading: all is atomic, without a lock and without pointers; any number of loops and processes use one.
 * One that dies in the middle of a window's end leaves the limit as it was.
 */
#ifndef WEIR__BACKEND_AUTO_LIMIT_H
#define WEIR__BACKEND_AUTO_LIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { WEIR__AUTO_LIMIT_SAMPLES = 64, WEIR__AUTO_LIMIT_SAMPLES_MIN = 20 };

/* max 0: there is none. */
struct weir__auto_limit_settings {
    int min, max;
};

/* All zero: begun at its start value. */
struct weir__auto_limit {
    _Atomic uint32_t limit_16ths; /* 0: the start value */
    _Atomic uint32_t count;       /* samples of the window */
    _Atomic uint32_t closing;     /* a window is being closed, see auto_limit.c */
    _Atomic uint32_t in_use_max;  /* in the window */
    _Atomic uint32_t dropped;     /* in the window */
    _Atomic int64_t began_ns;
    _Atomic uint64_t long_median_ns;
    _Atomic uint32_t samples_us[WEIR__AUTO_LIMIT_SAMPLES];
};

/* The limit now. */
int weir__auto_limit_now(const struct weir__auto_limit *l, const struct weir__auto_limit_settings *s);

/* An answer came after took_ns, while in_use requests were in progress. */
void weir__auto_limit_answered(struct weir__auto_limit *l, const struct weir__auto_limit_settings *s,
                               int64_t took_ns, int in_use, int64_t now_ns);

/* A deadline passed, or a 503 came. */
void weir__auto_limit_dropped(struct weir__auto_limit *l, const struct weir__auto_limit_settings *s,
                              int64_t now_ns);

#endif
