/* SPDX-License-Identifier: MIT */
/* What the admin address knows of the gateway: totals read from the loops once a second, and what was new in
 * the last ten and sixty of them.
 *
 * Threading: belongs to the admin's loop, from observed_run() on. The loops of the gateway are only read,
 * never waited for.
 */
#ifndef APP_METRICS_COLLECTOR_H
#define APP_METRICS_COLLECTOR_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>
#include <weir/http_server.h>

#include "metrics/metrics.h"
#include "metrics/collector_clients.h"
#include "metrics/collector_gathers.h"
#include "metrics/collector_host.h"
#include "metrics/collector_loops.h"
#include "metrics/collector_origins.h"
#include "metrics/collector_pools.h"
#include "metrics/collector_breakdown.h"
#include "metrics/sliding_window.h"

struct gateway_status;

/* The numbers beside the meter of a route. */
enum observed_route_number {
    OBSERVED_ERRORS,
    OBSERVED_CUT,
    OBSERVED_REQUEST_BYTES,
    OBSERVED_REPLY_BYTES,
    OBSERVED_REFUSED_FOR, /* then by reason, as weir_refusal_at() */
    OBSERVED_ROUTE_NUMBERS = OBSERVED_REFUSED_FOR + METRICS_REFUSALS_MAX
};

_Static_assert((int)OBSERVED_ROUTE_NUMBERS <= (int)ROLLING_NUMBERS_MAX, "a series has room for every reason");

struct observed {
    struct gateway_status *status;
    weir_instant started;
    struct rolling_clock clock;
    size_t route_count; /* as metrics_route_count() */
    struct rolling **routes;
    struct observed_spent *spent; /* of each route */
    bool runs;                    /* whether it did when last looked at, and what follows is of that moment */
    weir_server_stats server;
    struct rolling *unserved; /* connections, by enum weir_unserved */
    struct observed_clients clients;
    struct observed_gathers gathers;
    struct observed_host host;
    struct observed_loops loops;
    struct observed_origins origins;
    struct observed_pools pools;
};

/* Owns:    status and its metrics are lent until observed_close(). */
WEIR_CHECKED int observed_open(struct observed *o, struct gateway_status *status);
void observed_close(struct observed *o);

/* Of the numbers of a route all that were refused because there was too much to do. */
uint64_t observed_route_refused(const uint64_t *numbers);

/* A task: looks once a second, until cancelled. */
int observed_run(void *arg);

/* Looks now. */
void observed_look(struct observed *o);

#endif
