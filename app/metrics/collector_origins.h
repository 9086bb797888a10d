/* SPDX-License-Identifier: MIT */
/* The origins of the gateway as its loops together see them.
 *
 * Threading: belongs to the admin's loop.
 */
#ifndef APP_METRICS_COLLECTOR_ORIGINS_H
#define APP_METRICS_COLLECTOR_ORIGINS_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/http_client.h>
#include <weir/runtime.h>

#include "config/config.h"
#include "metrics/sliding_window.h"

/* The numbers beside the meter of an origin; then as enum weir_origin_error. */
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
    bool known;             /* to some loop, when last looked at, or named in the configuration */
    bool failing;           /* as the log has said */
    const char *last_error; /* of the latest failure; static; NULL: none */
    weir_instant last_error_at;
    int in_use, idle, waiting;
    weir_meter took; /* totals, while they are added up */
    uint64_t numbers[OBSERVED_ORIGIN_NUMBERS];
    struct rolling *rolling;
};

/* All zero is none. */
struct observed_origins {
    struct observed_origin **list; /* by name */
    size_t count, room;
};

/* Reads them all: those that the loops know, and those that a gather will ask. While the runtime runs. */
void observed_origins_look(struct observed_origins *o, const struct config *config, weir_runtime *runtime);

/* As rolling_next(). */
void observed_origins_next(struct observed_origins *o, const struct rolling_clock *clock);

void observed_origins_close(struct observed_origins *o);

/* Those that fail most in the last minute first, then by name.
 * Owns:    the caller frees it.
 * Returns: NULL when there is no memory.
 */
const struct observed_origin **observed_origins_sorted(const struct observed_origins *o,
                                                       const struct rolling_clock *clock, weir_instant now);

/* Of the numbers of an origin all errors, but not what was cancelled because nobody wanted it any more. */
uint64_t observed_origin_errors(const uint64_t *numbers);

#endif
