/* SPDX-License-Identifier: MIT */
#include "metrics/collector_pools.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void end(struct observed_pool *pool)
{
    rolling_free(pool->run);
    rolling_free(pool->queue);
}

static bool begin(struct observed_pool *pool, const char *name)
{
    memset(pool, 0, sizeof *pool);
    snprintf(pool->stats.name, sizeof pool->stats.name, "%s", name);
    pool->run = rolling_new(OBSERVED_POOL_NUMBERS);
    pool->queue = rolling_new(0);
    if (pool->run != NULL && pool->queue != NULL)
        return true;
    end(pool);
    return false;
}

static bool make_room(struct observed_pools *o)
{
    if (o->count < o->room)
        return true;
    size_t room = o->room + 8;
    struct observed_pool *more = realloc(o->list, room * sizeof *more);
    if (more == NULL)
        return false;
    o->list = more;
    o->room = room;
    return true;
}

/* Pools are opened as the gateway is set up, and closed as it ends: their order is kept. What is found in
 * place of another is a new one. NULL: no memory, it is not seen this time. */
static struct observed_pool *next_pool(struct observed_pools *o, const char *name)
{
    if (o->at < o->count && strcmp(o->list[o->at].stats.name, name) != 0)
        while (o->count > o->at)
            end(&o->list[--o->count]);
    if (o->at == o->count) {
        if (!make_room(o) || !begin(&o->list[o->count], name))
            return NULL;
        o->count++;
    }
    return &o->list[o->at++];
}

static void look(void *arg, weir_pool *pool)
{
    struct observed_pool *seen = next_pool(arg, weir_pool_name(pool));
    static const weir_meter none;
    const weir_pool_stats *stats;

    if (seen == NULL)
        return;
    weir_meter run = none, queue = none;
    weir_pool_read(pool, &seen->stats, &queue, &run);
    stats = &seen->stats;
    uint64_t numbers[OBSERVED_POOL_NUMBERS] = {
        [OBSERVED_RAN] = stats->ran,
        [OBSERVED_DROPPED] = stats->dropped,
        [OBSERVED_CANCELLED] = stats->cancelled,
    };
    memcpy(numbers + OBSERVED_REFUSED, stats->refused, sizeof stats->refused);
    rolling_see(seen->run, &run, numbers);
    rolling_see(seen->queue, &queue, numbers);
}

void observed_pools_look(struct observed_pools *o, weir_runtime *runtime)
{
    o->at = 0;
    weir_pool_each(runtime, look, o);
    while (o->count > o->at)
        end(&o->list[--o->count]);
}

void observed_pools_next(struct observed_pools *o, const struct rolling_clock *clock)
{
    for (size_t i = 0; i < o->count; i++) {
        rolling_next(o->list[i].run, clock);
        rolling_next(o->list[i].queue, clock);
    }
}

void observed_pools_close(struct observed_pools *o)
{
    while (o->count > 0)
        end(&o->list[--o->count]);
    free(o->list);
}

uint64_t observed_pool_refused(const uint64_t *numbers)
{
    uint64_t refused = 0;

    for (int i = 0; i < WEIR_REFUSALS; i++)
        refused += numbers[OBSERVED_REFUSED + i];
    return refused;
}

const char *observed_pool_refusal(enum weir_pool_refusal refusal)
{
    static const char *const names[WEIR_REFUSALS] = {
        [WEIR_REFUSED_FULL] = "full",         [WEIR_REFUSED_WAIT] = "wait",
        [WEIR_REFUSED_DEADLINE] = "deadline", [WEIR_REFUSED_NESTED] = "nested",
        [WEIR_REFUSED_OTHER] = "other",
    };

    return names[refusal];
}
