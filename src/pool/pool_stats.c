/* SPDX-License-Identifier: MIT */
/* The figures of a pool, for other threads. */
#include <weir/pool.h>

#include <string.h>

#include "pool/admission.h"
#include "pool/handover.h"
#include "pool/pool.h"

static void read_now(struct weir_pool *pool, weir_pool_stats *s)
{
    memcpy(s->name, pool->name, sizeof s->name);
    s->work = pool->work;
    s->workers = pool->thread_count;
    s->workers_max = pool->workers_max;
    s->queue_max = pool->queue_max;
    s->wait_max.ns = pool->wait_ns;
    for (size_t i = 0; i < pool->share_count; i++)
        s->queued += atomic_load_explicit(&pool->shares[i].waiting, memory_order_relaxed);
    weir__list_each (node, &pool->begun)
        s->running++;
    s->taken = atomic_load_explicit(&pool->taken, memory_order_relaxed);
    s->ran = pool->ran;
    s->dropped = pool->dropped;
    s->cancelled = pool->cancelled;
    for (int i = 0; i < WEIR_REFUSALS; i++)
        s->refused[i] = atomic_load_explicit(&pool->refused[i], memory_order_relaxed);
    s->service.ns = atomic_load_explicit(&pool->service_ns, memory_order_relaxed);
    s->expected.ns = weir__pool_expected_ns(pool, 0, weir__pool_now_ns(pool));
}

void weir_pool_stats_get(weir_pool *pool, weir_pool_stats *stats, weir_meter *queued, weir_meter *ran)
{
    *stats = (weir_pool_stats){0};
    weir__lock_enter(&pool->lock);
    read_now(pool, stats);
    weir__pool_leave(pool);
    if (queued != NULL)
        weir_meter_add(queued, &pool->queued_times);
    if (ran != NULL)
        weir_meter_add(ran, &pool->run_times);
}
