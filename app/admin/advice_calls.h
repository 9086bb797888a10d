/* SPDX-License-Identifier: MIT */
/* The calls of all routes, with how long each takes: as measured of its backend, or origin, in the last
 * minute.
 *
 * Threading: functions from data to data; any thread.
 */
#ifndef APP_ADMIN_ADVICE_CALLS_H
#define APP_ADMIN_ADVICE_CALLS_H

#include <stddef.h>

#include "admin/hedging_gain.h"
#include "metrics/snapshot.h"

struct advice_calls;

/* A call of a route. Its delays are those of all instances of its backend, or of its origin, whatever asks
 * them. */
struct advice_call {
    const struct snapshot_backend *backend; /* NULL: it goes to an origin, which is not hedged */
    const struct delays *delays;            /* of one attempt */
    double repeatable;                      /* the share of its requests that may be sent twice */
    double deadline_ms;                     /* 0: none */
};

/* Owns:    the snapshot is lent until advice_calls_close().
 * Returns: NULL: there is no memory. */
struct advice_calls *advice_calls_open(const struct snapshot *s);
/* NULL is nothing. */
void advice_calls_close(struct advice_calls *calls);

/* Those of a route, side by side; none where several routes have this name. */
const struct advice_call *advice_calls_of(const struct advice_calls *calls, const char *route, size_t *count);

#endif
