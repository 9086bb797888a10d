/* SPDX-License-Identifier: MIT */
/* The gathers of the gateway: how often their answers were partial, and which of their calls go to which
 * origin.
 *
 * Threading: belongs to the admin's loop.
 */
#ifndef APP_METRICS_COLLECTOR_GATHERS_H
#define APP_METRICS_COLLECTOR_GATHERS_H

#include <stddef.h>

#include "config/config.h"
#include "metrics/gather_counts.h"
#include "metrics/sliding_window.h"

struct observed_gathers {
    const struct gather_counts *counts; /* NULL: there are none */
    const struct config *config;
    struct rolling **partial; /* by route, as gather_counts_read_route() */
    size_t route_count;
};

WEIR_CHECKED int observed_gathers_open(struct observed_gathers *o, const struct config *config,
                                       const struct gather_counts *counts);
void observed_gathers_look(struct observed_gathers *o);
void observed_gathers_next(struct observed_gathers *o, const struct rolling_clock *clock);
void observed_gathers_close(struct observed_gathers *o);

/* How many answers of a route were partial in the last seconds; 0 when it is no gather. */
uint64_t observed_gathers_partial(const struct observed_gathers *o, const char *route,
                                  const struct rolling_clock *clock, weir_instant now, int seconds);

/* Calls fn for each call of each gather, with its origin as weir_origin_stats has it. */
void observed_gathers_each_call(const struct config *config,
                                void (*fn)(void *arg, const char *route, const char *call,
                                           const char *origin),
                                void *arg);

#endif
