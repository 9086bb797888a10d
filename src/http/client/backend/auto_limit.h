/* SPDX-License-Identifier: MIT */
/* A limit of requests in progress that follows what a backend can do.
 *
 * Each window of at least 20 answers gives a short median, which moves a long one slowly. While at least half
 * of the limit is used, it follows their ratio: it sinks as answers get slower than they have been for long,
 * and grows by the root of itself while they do not. While less is used, they are not slow by the limit:
 * sinking would only refuse what comes at once. Deadlines that pass and answers with 503 take a tenth of it
 * at once, once per window. It never probes by forcing the limit down. (After Gradient2 of Netflix's
 * concurrency-limits.)
 *
 * What trouble has taken comes back without demand, too: while less than half of the limit is used, nothing
 * is dropped and answers are no slower than for long, the limit rises to its start value, within half a
 * minute. Otherwise it would be low for good where little is asked, and refuse the first burst. Above the
 * start value only demand raises it.
 *
 * Where this differs from Gradient2:
 *
 * A long median that simply follows would learn the queue that the limit itself has made, and the limit would
 * creep up for as long as requests are refused. So while the limit is used, the long median follows answers
 * that get slower only if the limit's sinking has not made them faster: they are slow for other reasons then,
 * as when the mix of requests has changed, and the limit must not sink for good. So it is with deadlines: one
 * of 20 requests may pass it, and as many more as sinking has not helped.
 *
 * What counts as slower depends on how much medians differ by chance: requests of mixed costs differ much.
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
    _Atomic uint32_t limit_128ths; /* 0: the start value */
    _Atomic int64_t closing_ns;    /* when a loop began to close the window; 0: none does */

    /* The window. */
    _Atomic int64_t began_ns; /* 0: none has */
    _Atomic uint32_t answered, dropped;
    _Atomic uint32_t has_sunk; /* by what was dropped */
    _Atomic uint32_t in_use_max;
    _Atomic uint32_t samples_us[WEIR__AUTO_LIMIT_SAMPLES]; /* the latest */

    /* Known from all before. */
    _Atomic uint32_t median_us;      /* of the last window; 0: there was none */
    _Atomic uint32_t chance_1000ths; /* by how much the medians of two windows differ, as a logarithm */
    _Atomic uint32_t short_us, long_us;
    _Atomic uint32_t drops_1000ths; /* how many of all are dropped whatever the limit is */

    /* A limit in the past, and the worst since then. */
    _Atomic uint32_t then_128ths, then_us, then_drops_1000ths;
};

/* The limit now. */
int weir__auto_limit_now(const struct weir__auto_limit *l, const struct weir__auto_limit_settings *s);

/* An answer came after took_ns, while in_use requests were in progress. */
void weir__auto_limit_answered(struct weir__auto_limit *l, const struct weir__auto_limit_settings *s,
                               int64_t took_ns, int in_use, int64_t now_ns);

/* A deadline passed, or a 503 came. */
void weir__auto_limit_dropped(struct weir__auto_limit *l, const struct weir__auto_limit_settings *s,
                              int in_use, int64_t now_ns);

#endif
