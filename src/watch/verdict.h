/* SPDX-License-Identifier: MIT */
/* What most of a slice went into, by the books the kernel keeps of a thread.
 *
 * Threading: pure functions of plain values.
 *
 * The books are read now and then, not when a slice begins. What the thread did between the last reading
 * before that and the first after it may have been done in the slice or before it. So there is a least and a
 * most for everything, and who can be cleared by the one is not accused by the other.
 */
#ifndef WEIR__WATCH_VERDICT_H
#define WEIR__WATCH_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

/* What a thread had spent in all, at a moment. What is none of it was spent asleep, or was stolen by another
 * machine. */
struct weir__evidence {
    int64_t at_ns;
    int64_t cpu_ns;
    int64_t starved_ns, throttled_ns; /* ready, and not on the CPU */
};

struct weir__case {
    int64_t began_ns;                         /* the slice */
    struct weir__evidence before, first, now; /* before.at_ns <= began_ns <= first.at_ns <= now.at_ns */
    int64_t after_ns;                         /* longer than this is a stall */
    bool seen_running, seen_blocked;          /* at the end, if either could be seen */
};

enum weir__verdict {
    WEIR__VERDICT_NONE, /* not certain yet: look again a little later */
    WEIR__VERDICT_COMPUTING,
    WEIR__VERDICT_BLOCKED,
    WEIR__VERDICT_STARVED,
    WEIR__VERDICT_THROTTLED,
};

enum weir__verdict weir__verdict_of(const struct weir__case *c);

#endif
