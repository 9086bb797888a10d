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

/* All attributes of a thread, for another that is to have them. */
struct weir__priority_found {
    bool known;
    int32_t nice;
    uint64_t slice_ns;
};

void weir__priority_find(struct weir__priority_found *found);
void weir__priority_put_back(const struct weir__priority_found *found);

void weir__priority_of_loop(struct weir__priority *before);
void weir__priority_restore(const struct weir__priority *before);
void weir__priority_of_worker(void);

#endif
