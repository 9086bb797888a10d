/* What the admin address knows of the gateway: totals read from the loops once a second, and what was new in
 * the last ten and sixty of them.
 *
 * Threading: belongs to the admin's loop, from observed_run() on. The loops of the gateway are only read,
 * never waited for.
 */
#ifndef APP_OBSERVED_H
#define APP_OBSERVED_H

#include <stddef.h>

#include <weir/error.h>

#include "metrics.h"
#include "rolling.h"

struct gateway_status;

struct observed {
    struct gateway_status *status;
    weir_instant started;
    struct rolling_clock clock;
    size_t route_count; /* as metrics_route_count() */
    struct rolling **routes;
};

/* The numbers beside the meter of a route. */
enum observed_route { OBSERVED_ERRORS, OBSERVED_ROUTE_NUMBERS };

/* Owns:    status and its metrics are lent until observed_close(). */
WEIR_CHECKED int observed_open(struct observed *o, struct gateway_status *status);
void observed_close(struct observed *o);

/* A task: looks once a second, until cancelled. */
int observed_run(void *arg);

/* Looks now. */
void observed_look(struct observed *o);

#endif
