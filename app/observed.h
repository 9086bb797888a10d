/* What the admin address knows of the gateway: totals read from the loops once a second, and what was new in
 * the last ten and sixty of them.
 *
 * Threading: belongs to the admin's loop, from observed_run() on. The loops of the gateway are only read,
 * never waited for.
 */
#ifndef APP_OBSERVED_H
#define APP_OBSERVED_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>
#include <weir/http_client.h>
#include <weir/http_server.h>
#include <weir/runtime.h>

#include "metrics.h"
#include "rolling.h"

struct gateway_status;

/* The numbers beside the meter of a route. */
enum observed_route_number {
    OBSERVED_ERRORS,
    OBSERVED_CUT,
    OBSERVED_REQUEST_BYTES,
    OBSERVED_REPLY_BYTES,
    OBSERVED_ROUTE_NUMBERS
};

/* Of an origin; then as enum weir_origin_error. */
enum observed_origin_number {
    OBSERVED_REQUESTS,
    OBSERVED_REUSED,
    OBSERVED_CONNECTED,
    OBSERVED_ORIGIN_ERROR,
    OBSERVED_ORIGIN_NUMBERS = OBSERVED_ORIGIN_ERROR + WEIR_ORIGIN_ERRORS
};

/* An origin as all loops together see it. */
struct observed_origin {
    char *name;
    bool known; /* to some loop, when last looked at */
    int in_use, idle, waiting;
    weir_meter took; /* totals, while they are added up */
    uint64_t numbers[OBSERVED_ORIGIN_NUMBERS];
    struct rolling *rolling;
};

struct observed {
    struct gateway_status *status;
    weir_instant started;
    struct rolling_clock clock;
    size_t route_count; /* as metrics_route_count() */
    struct rolling **routes;
    bool runs; /* whether it did when last looked at, and what follows is of that moment */
    weir_server_stats server;
    struct observed_origin **origins; /* by name */
    size_t origin_count, origin_room;
};

/* Owns:    status and its metrics are lent until observed_close(). */
WEIR_CHECKED int observed_open(struct observed *o, struct gateway_status *status);
void observed_close(struct observed *o);

/* A task: looks once a second, until cancelled. */
int observed_run(void *arg);

/* Looks now. */
void observed_look(struct observed *o);

/* Of the numbers of an origin all errors, but not what was cancelled because nobody wanted it any more. */
uint64_t observed_origin_errors(const uint64_t *numbers);

#endif
