/* SPDX-License-Identifier: MIT */
/* A limit of requests in progress that follows what a backend can do.
 *
 * Each window of at least 20 answers gives a short median, which moves a long one slowly. The limit follows
 * their ratio: it sinks as answers get slower than they have been for long, and grows by the root of itself
 * while they do not, and at least half of it is used. A deadline that passes or a 503 takes a tenth of it at
 * once, once per window. It never probes by forcing the limit down. (After Gradient2 of Netflix's
 * concurrency-limits.)
 *
 * Where this differs from Gradient2: a long median that simply follows would learn the queue that the limit
 * itself has made, and the limit would creep up for as long as requests are refused. So while the limit is
 * used, the long median follows answers that get slower only if the limit's sinking has not made them
 * faster: they are slow for other reasons then, as when the mix of requests has changed, and the limit must
 * not sink for good.
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
    _Atomic uint32_t in_use_max;  /* in the window */
    _Atomic uint32_t dropped;     /* in the window, whether any was */
    _Atomic int64_t began_ns;     /* the window; 0: none has */
    _Atomic int64_t closing_ns;   /* when a loop began to close it; 0: none does */
    _Atomic uint64_t long_us;     /* the long median; 0: not known */
    _Atomic uint64_t anchor;      /* a limit, and the short median as it was then; see auto_limit.c */
    _Atomic uint32_t samples_us[WEIR__AUTO_LIMIT_SAMPLES]; /* the latest */
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
