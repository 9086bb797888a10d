/* SPDX-License-Identifier: MIT */
#include "routes/route_pool.h"

#include <stdlib.h>

/* Translates a pool. For the library 0 means its default; in the file it means 0. */
static weir_pool_options options_of(const struct config_pool *pool)
{
    return (weir_pool_options){
        .name = pool->name,
        .work = (enum weir_pool_class)pool->work,
        .workers = pool->workers,
        .queue = pool->queue > 0 ? pool->queue : -1,
        .wait = pool->wait.ns > 0 ? pool->wait : (weir_duration){1},
        .cpu = pool->cpu,
        .shares = pool->shares,
        .share_count = pool->share_count,
    };
}

weir_pool_options *pools_options(const struct config *config)
{
    weir_pool_options *options = calloc(config->pool_count, sizeof *options);

    if (options == NULL)
        return NULL;
    for (size_t i = 0; i < config->pool_count; i++)
        options[i] = options_of(&config->pools[i]);
    return options;
}

struct route_pool route_pool_of(const struct config_route *route)
{
    return (struct route_pool){
        .pool = route->on != NULL ? weir_pool_find(route->on) : NULL, /* no pool is called "loop" */
        .share = route->share,
    };
}
