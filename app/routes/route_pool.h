/* SPDX-License-Identifier: MIT */
/* The pools of a configuration, and the pool of a route.
 *
 * Threading: options are made before the loops start; the rest belongs to tasks.
 */
#ifndef APP_ROUTES_ROUTE_POOL_H
#define APP_ROUTES_ROUTE_POOL_H

#include <weir/pool.h>

#include "config/config.h"

/* Makes the options of all pools of a configuration, config->pool_count of them.
 * Owns:    the array is the caller's to free; it points into the configuration.
 * Returns: NULL when there is no memory.
 */
weir_pool_options *pools_options(const struct config *config);

/* The pool in which a route computes, and its share of it; NULL: the loop itself. */
struct route_pool {
    weir_pool *pool;
    int share;
};

/* Finds the pool of a route, for open() of a kind of route.
 * Owns:    the pool lives as long as the loops.
 * Where:   task.
 */
struct route_pool route_pool_of(const struct config_route *route);

#endif
