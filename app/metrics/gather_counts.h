/* SPDX-License-Identifier: MIT */
/* Counts how the calls of gathers ended, and how often an answer was partial.
 *
 * Threading: each loop counts into cells of its own, and shares no cache line with another. Any thread may
 * add them up meanwhile, until gather_counts_free().
 */
#ifndef APP_METRICS_GATHER_COUNTS_H
#define APP_METRICS_GATHER_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#include "config/config.h"
#include "routes/gather_note.h"

struct gather_counts;      /* of the gateway */
struct gather_counts_loop; /* the cells of one loop */

/* Owns:    config is lent until gather_counts_free(). */
WEIR_CHECKED int gather_counts_open(const struct config *config, struct gather_counts **out);
/* Once no loop counts and no thread reads any more. NULL is nothing. */
void gather_counts_free(struct gather_counts *counts);

/* Cells for the loop this is called on, kept until gather_counts_free().
 * Returns: NULL when there is no memory.
 */
struct gather_counts_loop *gather_counts_loop_open(struct gather_counts *counts);

/* Counts the calls of one request. On the loop of the cells. */
void gather_counts_add(struct gather_counts_loop *loop, const struct gather_note *note);

/* --- reading --- */

/* A call of a route. Routes of one path count as one, and so do their calls of one name. */
struct gather_call_total {
    const char *route, *call;
    uint64_t ends[GATHER_ENDS];
};

size_t gather_counts_calls(const struct gather_counts *counts);
void gather_counts_read_call(const struct gather_counts *counts, size_t i, struct gather_call_total *out);

/* Routes of one path. */
struct gather_route_total {
    const char *route;
    uint64_t partial; /* answers in which a call failed, including those with 502 and 504 */
};

size_t gather_counts_routes(const struct gather_counts *counts);
void gather_counts_read_route(const struct gather_counts *counts, size_t i, struct gather_route_total *out);

#endif
