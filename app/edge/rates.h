/* SPDX-License-Identifier: MIT */
/* The rates of a gateway's routes: what is counted where, and the answer to what is too much.
 *
 * Under a supervisor the tables lie in the memory that it shares with its processes (rate_places.h), found by
 * all that distinguishes a route and its rate. Processes count together, and a configuration that keeps a
 * rate keeps its counts. Beyond RATE_PLACES tables of all processes, each further one is a process's own.
 *
 * Threading: opened and closed by the main thread; used by all loops meanwhile.
 */
#ifndef APP_EDGE_RATES_H
#define APP_EDGE_RATES_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/http_server.h>
#include <weir/shared.h>

#include "config/config.h"

struct rates;

/* Opens the rates of all routes. shared: NULL: this process counts alone.
 * Owns:    config and shared are lent until rates_close().
 * Returns: 0; -ENOMEM. *out is NULL if no route has a rate.
 */
WEIR_CHECKED int rates_open(const struct config *config, weir_shared *shared, struct rates **out);
void rates_close(struct rates *rates);

/* How many tables are this process's own, not in shared memory. */
size_t rates_own(const struct rates *rates);

/* The memory of all tables, when they are full. */
uint64_t rates_bytes(const struct config *config);

/* Counts a request of a route that has a rate. One that is too much is answered 429, and recorded as refused.
 * *shared: its key found no place, and was counted with all others that found none; the log says so, once a
 * minute at most for each route.
 * Returns: 0: it may pass; 1: it is answered; a negative code, which becomes the answer.
 */
WEIR_CHECKED int rates_admit(struct rates *rates, const struct config_route *route, weir_request *req,
                             weir_response *res, bool *shared);

#endif
