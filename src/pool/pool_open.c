/* SPDX-License-Identifier: MIT */
#include "pool/pool_open.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/reserved.h"
#include "core/misuse.h"
#include "core/runtime.h"
#include "core/task.h"
#include "core/wait.h"
#include "pool/handover.h"
#include "pool/pool.h"
#include "pool/worker.h"

enum { WORKERS_MAX = 1024, QUEUE_MAX = 1000000, QUEUE = 64, WAIT_MS = 250, BLOCKING_WORKERS = 32 };
enum { STANDARD_POOLS = 2 }; /* compute and blocking */

/* --- opening --- */

static int fill_defaults(weir_pool_options *o)
{
    int percent = 0;

    if (o->name == NULL || *o->name == '\0' || strlen(o->name) >= WEIR_POOL_NAME_BYTES)
        return -EINVAL;
    if (!weir__reserved_is_zero(o->reserved, sizeof o->reserved))
        return -EINVAL;
    if ((int)o->work < WEIR_POOL_COMPUTE || o->work > WEIR_POOL_BLOCKING)
        return -EINVAL;
    if (o->workers == 0)
        o->workers = o->work == WEIR_POOL_COMPUTE ? weir_cpu_count() : BLOCKING_WORKERS;
    if (o->queue == 0)
        o->queue = QUEUE;
    if (o->queue == -1)
        o->queue = 0;
    if (o->wait.ns == 0)
        o->wait = weir_ms(WAIT_MS);
    if (o->workers < 0 || o->workers > WORKERS_MAX || o->queue < 0 || o->queue > QUEUE_MAX ||
        o->wait.ns < 0 || o->cpu.ns < 0 || o->share_count > WEIR_POOL_SHARES_MAX)
        return -EINVAL;
    for (size_t i = 0; i < o->share_count; i++) {
        if (!weir__reserved_is_zero(o->shares[i].reserved, sizeof o->shares[i].reserved) ||
            o->shares[i].percent < 1 || o->shares[i].percent > 100)
            return -EINVAL;
        percent += o->shares[i].percent;
    }
    return percent > 100 ? -EINVAL : 0;
}

/* Share 0 is for jobs without a share: the common places, and the turns that the others leave. */
static void divide(struct weir_pool *pool, const weir_pool_options *o)
{
    int all = o->workers + o->queue, left = 100;

    pool->share_count = o->share_count + 1;
    pool->common_max = all;
    for (size_t i = 0; i < pool->share_count; i++)
        weir__list_init(&pool->shares[i].jobs);
    for (size_t i = 0; i < o->share_count; i++) {
        struct weir__share *share = &pool->shares[i + 1];
        share->percent = o->shares[i].percent;
        share->own_places = (int)((int64_t)all * share->percent / 100);
        if (share->own_places == 0)
            share->own_places = 1;
        pool->common_max -= share->own_places;
        left -= share->percent;
    }
    if (pool->common_max < 0)
        pool->common_max = 0;
    pool->shares[0].percent = left > 0 ? left : 1;
}

static void place_workers(struct weir_pool *pool)
{
    for (int i = 0; i < pool->workers_max; i++) {
        struct weir__worker *worker = &pool->workers[i];
        worker->pool = pool;
        worker->index = i;
        worker->state = pool->sim != NULL ? WEIR__WORKER_IDLE : WEIR__WORKER_ABSENT;
        weir__list_init(&worker->begun);
        weir__list_push_back(pool->sim != NULL ? &pool->idle : &pool->absent, &worker->node);
    }
}

static int make(struct weir_runtime *runtime, const weir_pool_options *options, struct weir_pool **out)
{
    weir_pool_options o = *options;
    struct weir_pool *pool;
    int err = fill_defaults(&o);

    if (err < 0)
        return err;
    pool = calloc(1, sizeof *pool + (o.share_count + 1) * sizeof pool->shares[0]);
    if (pool == NULL)
        return -ENOMEM;
    pool->workers = calloc((size_t)o.workers, sizeof *pool->workers);
    if (pool->workers == NULL) {
        free(pool);
        return -ENOMEM;
    }
    pool->runtime = runtime;
    strcpy(pool->name, o.name);
    pool->work = o.work;
    pool->workers_max = o.workers;
    pool->queue_max = o.queue;
    pool->wait_ns = o.wait.ns;
    pool->cpu_max_ns = o.cpu.ns;
    pool->sim = runtime->options.io == WEIR_IO_SIM ? &runtime->loops[0] : NULL;
    weir__list_init(&pool->ended);
    weir__list_init(&pool->idle);
    weir__list_init(&pool->absent);
    weir__list_init(&pool->begun);
    divide(pool, &o);
    place_workers(pool);
    *out = pool;
    return 0;
}

static void unmake(struct weir_pool *pool)
{
    weir__workers_end(pool);
    weir__workers_join(pool);
    free(pool->workers);
    *(struct weir_runtime *volatile *)&pool->runtime = NULL; /* for a use after the close */
    free(pool);
}

/* --- the pools of a runtime --- */

static int add(struct weir_runtime *runtime, const weir_pool_options *options, struct weir_pool **out)
{
    struct weir__pools *pools = runtime->pools;
    struct weir_pool *pool;
    int err = make(runtime, options, &pool);

    if (err < 0)
        return err;
    (void)pthread_mutex_lock(&pools->lock);
    if (weir__pools_find(pools, pool->name) != NULL)
        err = -EINVAL;
    else if (pools->count == WEIR__POOLS_MAX)
        err = -WEIR_EBUSY;
    else
        pools->pool[pools->count++] = pool;
    (void)pthread_mutex_unlock(&pools->lock);
    if (err < 0)
        unmake(pool);
    else
        *out = pool;
    return err;
}

/* The pool may be closed and freed: it is compared, not read. function: the public one. */
static void take_out(struct weir__pools *pools, struct weir_pool *pool, const char *function)
{
    int i = 0;

    (void)pthread_mutex_lock(&pools->lock);
    while (i < pools->count && pools->pool[i] != pool)
        i++;
    if (i == pools->count)
        weir__misuse(function, "on a pool that is closed already, or of another runtime",
                     "close each pool once, in the runtime that opened it");
    if (i < STANDARD_POOLS)
        weir__misuse(function, "on a pool that belongs to the runtime",
                     "close only what weir_pool_open() opened");
    memmove(&pools->pool[i], &pools->pool[i + 1], (size_t)(--pools->count - i) * sizeof pools->pool[0]);
    (void)pthread_mutex_unlock(&pools->lock);
}

static const weir_pool_options *option_named(const weir_options *o, const char *name)
{
    for (size_t i = 0; i < o->pool_count; i++)
        if (o->pools[i].name != NULL && strcmp(o->pools[i].name, name) == 0)
            return &o->pools[i];
    return NULL;
}

int weir__pools_open(struct weir_runtime *runtime)
{
    static const weir_pool_options standard[STANDARD_POOLS] = {
        {.name = "compute", .work = WEIR_POOL_COMPUTE},
        {.name = "blocking", .work = WEIR_POOL_BLOCKING},
    };
    const weir_options *o = &runtime->options;
    struct weir_pool *pool;
    int err = 0;

    (void)pthread_mutex_init(&runtime->pools->lock, NULL);
    for (size_t i = 0; i < STANDARD_POOLS && err == 0; i++) {
        const weir_pool_options *own = option_named(o, standard[i].name);
        weir_pool_options options = own != NULL ? *own : standard[i];
        options.work = standard[i].work;
        err = add(runtime, &options, &pool);
    }
    for (size_t i = 0; i < o->pool_count && err == 0; i++) {
        const char *name = o->pools[i].name;
        if (name == NULL || (strcmp(name, "compute") != 0 && strcmp(name, "blocking") != 0))
            err = add(runtime, &o->pools[i], &pool);
    }
    if (err < 0)
        weir__pools_close(runtime);
    return err;
}

void weir__pools_close(struct weir_runtime *runtime)
{
    for (int i = 0; i < runtime->pools->count; i++)
        unmake(runtime->pools->pool[i]);
    runtime->pools->count = 0;
    (void)pthread_mutex_destroy(&runtime->pools->lock);
}

int weir_pool_open(const weir_pool_options *options, weir_pool **out)
{
    return add(weir__calling_task(__func__)->loop->runtime, options, out);
}

/* --- closing --- */

static const struct weir__wait_class jobs_of_a_pool = {"the jobs of a pool", NULL,
                                                       .charge = WEIR_CHARGE_OTHER};

static void last_one(struct weir__message *message)
{
    weir__wake(weir__container_of(message, struct weir__closing, last_one)->task, 0);
}

/* Marks the count, after which the last call or thread notifies. Returns: false: there is none. */
static bool close_count(struct weir__closing *closing, atomic_int *count)
{
    atomic_store(&closing->notified, false);
    return atomic_fetch_or(count, WEIR__POOL_CLOSING) > 0;
}

void weir_pool_close(weir_pool *pool)
{
    struct weir__closing closing = {.task = weir__calling_task(__func__), .last_one.deliver = last_one};

    if (pool == NULL)
        return;
    take_out(closing.task->loop->runtime->pools, pool, __func__);
    pool->closer = &closing;
    if (close_count(&closing, &pool->calls)) {
        weir__lock_enter(&pool->lock);
        weir__pool_empty(pool, -WEIR_ECLOSED, WEIR_REFUSED_OTHER);
        weir__pool_leave(pool);
        (void)weir__park(&jobs_of_a_pool, NULL, &closing);
    }
    weir__workers_end(pool);
    if (close_count(&closing, &pool->threads))
        (void)weir__park(&jobs_of_a_pool, NULL, &closing);
    unmake(pool);
}
