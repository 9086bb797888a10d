/* SPDX-License-Identifier: MIT */
/* The verdict on a slice: what most of its time went into, by the kernel's accounting of the thread.
 *
 * Threading: pure functions of plain values.
 *
 * The accounting is read now and then, not when a slice begins. What the thread did between the last reading
 * before that and the first after it may belong to the slice or to the time before. So each share of the time
 * has a least and a most value. If the cause is not certain, there is no verdict.
 */
#ifndef WEIR__WATCH_VERDICT_H
#define WEIR__WATCH_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

/* What a thread has spent in all at a moment. The rest was spent asleep, or stolen by the hypervisor. */
struct weir__evidence {
    int64_t at_ns;
    int64_t cpu_ns;
    int64_t starved_ns, throttled_ns; /* ready, but not on the CPU */
};

struct weir__case {
    int64_t began_ns;                         /* of the slice */
    struct weir__evidence before, first, now; /* before.at_ns <= began_ns <= first.at_ns <= now.at_ns */
    int64_t after_ns;                         /* a slice of this length is a stall */
    bool seen_running, seen_blocked;          /* at the end; neither: it could not be seen */
};

enum weir__verdict {
    WEIR__VERDICT_NONE, /* not certain, or not yet: look again a little later */
    WEIR__VERDICT_COMPUTING,
    WEIR__VERDICT_BLOCKED,
    WEIR__VERDICT_STARVED,
    WEIR__VERDICT_THROTTLED,
};

enum weir__verdict weir__verdict_of(const struct weir__case *c);

#endif
