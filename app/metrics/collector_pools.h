/* SPDX-License-Identifier: MIT */
/* The pools of the gateway.
 *
 * Threading: belongs to the admin's loop.
 */
#ifndef APP_METRICS_COLLECTOR_POOLS_H
#define APP_METRICS_COLLECTOR_POOLS_H

#include <stddef.h>

#include <weir/pool.h>
#include <weir/runtime.h>

#include "metrics/sliding_window.h"

/* The numbers beside the meter of how long jobs ran; then as enum weir_pool_refusal. */
enum observed_pool_number {
    OBSERVED_RAN,
    OBSERVED_DROPPED,
    OBSERVED_CANCELLED,
    OBSERVED_REFUSED,
    OBSERVED_POOL_NUMBERS = OBSERVED_REFUSED + WEIR_REFUSALS
};

struct observed_pool {
    weir_pool_stats stats; /* as last seen */
    struct rolling *run, *queue;
};

/* In the order of the runtime; all zero is none. */
struct observed_pools {
    struct observed_pool *list;
    size_t count, room;
    size_t at; /* while they are read */
};

/* Reads them all. While the runtime runs. */
void observed_pools_look(struct observed_pools *o, weir_runtime *runtime);

/* As rolling_next(). */
void observed_pools_next(struct observed_pools *o, const struct rolling_clock *clock);

void observed_pools_close(struct observed_pools *o);

/* Of the numbers of a pool all that were refused. */
uint64_t observed_pool_refused(const uint64_t *numbers);

/* Why, as a label: "full", "wait", "deadline", "nested", "other". */
const char *observed_pool_refusal(enum weir_pool_refusal refusal);

#endif
