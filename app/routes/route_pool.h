/* SPDX-License-Identifier: MIT */
/* The pools that a configuration describes, and where a route computes.
 *
 * Threading: options are made before the loops start; the rest belongs to tasks.
 */
#ifndef APP_ROUTES_ROUTE_POOL_H
#define APP_ROUTES_ROUTE_POOL_H

#include <weir/pool.h>

#include "config/config.h"

/* The options of all pools of a configuration.
 * Owns:    the array is the caller's to free; it points into the configuration.
 * Returns: NULL when there is no memory; config->pool_count of them.
 */
weir_pool_options *pools_options(const struct config *config);

/* Where a route computes: its pool, with its share of it; or the loop itself, that is no pool (NULL). */
struct route_pool {
    weir_pool *pool;
    int share;
};

/* For open() of a kind of route.
 * Owns:    the pool lives as long as the loops.
 * Where:   task.
 */
struct route_pool route_pool_of(const struct config_route *route);

#endif
