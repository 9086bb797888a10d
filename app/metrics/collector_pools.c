/* SPDX-License-Identifier: MIT */
#include "metrics/collector_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The pools while they are read. */
struct reading {
    struct snapshot *snapshot;
    size_t at;
};

static void close_pools_from(struct snapshot *s, size_t at)
{
    while (s->pool_count > at) {
        struct snapshot_pool *pool = &s->pools[--s->pool_count];
        series_close(&pool->run);
        series_close(&pool->queue);
    }
}

static bool add_pool(struct snapshot *s, const char *name)
{
    struct snapshot_pool *more = realloc(s->pools, (s->pool_count + 1) * sizeof *more);
    struct snapshot_pool *pool;

    if (more == NULL)
        return false;
    s->pools = more;
    pool = &more[s->pool_count];
    *pool = (struct snapshot_pool){0};
    snprintf(pool->stats.name, sizeof pool->stats.name, "%s", name);
    if (series_open(&pool->run, POOL_NUMBERS) == 0 && series_open(&pool->queue, 0) == 0) {
        s->pool_count++;
        return true;
    }
    series_close(&pool->run);
    return false;
}

/* Pools are opened as the gateway is set up, and closed as it ends, so their order is kept. A pool that is
 * found in place of another is a new one, as are all behind it. Returns: NULL when there is no memory. */
static struct snapshot_pool *next_pool(struct reading *r, const char *name)
{
    struct snapshot *s = r->snapshot;

    if (r->at < s->pool_count && strcmp(s->pools[r->at].stats.name, name) != 0)
        close_pools_from(s, r->at);
    if (r->at == s->pool_count && !add_pool(s, name))
        return NULL;
    return &s->pools[r->at++];
}

static void collect_pool(void *arg, weir_pool *pool)
{
    struct snapshot_pool *found = next_pool(arg, weir_pool_name(pool));
    weir_meter run = {0}, queue = {0};
    uint64_t numbers[POOL_NUMBERS];

    if (found == NULL)
        return;
    weir_pool_stats_get(pool, &found->stats, &queue, &run);
    numbers[POOL_RAN] = found->stats.ran;
    numbers[POOL_DROPPED] = found->stats.dropped;
    numbers[POOL_CANCELLED] = found->stats.cancelled;
    memcpy(numbers + POOL_REFUSED, found->stats.refused, sizeof found->stats.refused);
    series_update(&found->run, &run, numbers);
    series_update(&found->queue, &queue, numbers);
}

void collect_pools(struct snapshot *s, weir_runtime *runtime)
{
    struct reading reading = {.snapshot = s};

    weir_pool_each(runtime, collect_pool, &reading);
    close_pools_from(s, reading.at);
}
