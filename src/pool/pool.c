/* SPDX-License-Identifier: MIT */
#include "pool/pool.h"

#include <string.h>

#include "base/clock.h"
#include "core/misuse.h"
#include "core/runtime.h"

__thread struct weir__worker *weir__worker_here
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

int64_t weir__pool_now_ns(const struct weir_pool *pool)
{
    return pool->sim != NULL ? weir__io_now_ns(pool->sim->io) : weir__clock_monotonic_ns();
}

void weir__pool_one_less(struct weir_pool *pool, atomic_int *count)
{
    struct weir__closing *closer;

    if (atomic_fetch_sub(count, 1) != WEIR__POOL_CLOSING + 1)
        return;
    closer = pool->closer;
    if (!atomic_exchange(&closer->notified, true))
        weir__loop_post(closer->task->loop, &closer->last_one);
}

/* --- the pools of a runtime --- */

struct weir_runtime *weir__pool_runtime_here(const char *function)
{
    return weir__worker_here != NULL ? weir__worker_here->pool->runtime
                                     : weir__calling_task(function)->loop->runtime;
}

struct weir_pool *weir__pools_find(const struct weir__pools *pools, const char *name)
{
    for (int i = 0; i < pools->count; i++)
        if (strcmp(pools->pool[i]->name, name) == 0)
            return pools->pool[i];
    return NULL;
}

weir_pool *weir_pool_compute(void)
{
    return weir__pool_runtime_here(__func__)->pools->pool[0];
}

weir_pool *weir_pool_blocking(void)
{
    return weir__pool_runtime_here(__func__)->pools->pool[1];
}

weir_pool *weir_pool_find(const char *name)
{
    struct weir__pools *pools = weir__pool_runtime_here(__func__)->pools;
    struct weir_pool *pool;

    (void)pthread_mutex_lock(&pools->lock);
    pool = weir__pools_find(pools, name);
    (void)pthread_mutex_unlock(&pools->lock);
    return pool;
}

const char *weir_pool_name(const weir_pool *pool)
{
    return pool->name;
}

void weir_pool_each(weir_runtime *runtime, void (*fn)(void *arg, weir_pool *pool), void *arg)
{
    (void)pthread_mutex_lock(&runtime->pools->lock);
    for (int i = 0; i < runtime->pools->count; i++)
        fn(arg, runtime->pools->pool[i]);
    (void)pthread_mutex_unlock(&runtime->pools->lock);
}
