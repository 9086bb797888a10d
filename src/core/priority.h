/* SPDX-License-Identifier: MIT */
/* Scheduling attributes of loops and workers, so that a loop runs on time while a worker computes on its
 * core.
 *
 * A worker is a little less urgent (nice), and a loop asks for short slices, which makes it run as soon as it
 * wakes. Either alone does not: measured 2026-11-23, the 99th percentile of a timer beside a busy worker
 * is 2.3 ms with neither, 0.2 ms with both. Nicer than this, a worker would starve beside other programs.
 *
 * Threading: each call is for the calling thread. Where the kernel refuses, nothing changes.
 */
#ifndef WEIR__PRIORITY_H
#define WEIR__PRIORITY_H

#include <stdbool.h>
#include <stdint.h>

/* The attributes a thread had before. */
struct weir__priority {
    bool changed;
    uint64_t slice_ns;
};

/* struct sched_attr of the kernel, whose header conflicts with libc's. */
struct weir__scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t slice_ns, deadline_ns, period_ns;
};

/* Reads the attributes of the calling thread, for another one that is to have them. Returns: false for a
 * policy of real time or idle, which is left alone. */
bool weir__priority_read(struct weir__scheduling *out);

void weir__priority_of_loop(struct weir__priority *before);
void weir__priority_restore(const struct weir__priority *before);
void weir__priority_of_worker(void);

#endif
