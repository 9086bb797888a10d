/* SPDX-License-Identifier: MIT */
/* Places are counted without the lock, so that a loop refuses in nanoseconds. A share's places up to its own
 * number are its own; each beyond them takes a common one, and the call that brings the share's number down
 * from there gives one back. That holds whatever the order, since every step between the same two numbers
 * pairs up. */
#include "pool/admission.h"

#include <errno.h>
#include <math.h>

#include "pool/job.h"
#include "pool/pool.h"

/* --- places --- */

static bool take_common(struct weir_pool *pool)
{
    if (atomic_fetch_add(&pool->common, 1) < pool->common_max)
        return true;
    atomic_fetch_sub(&pool->common, 1);
    return false;
}

static bool take_place(struct weir_pool *pool, struct weir__share *share, bool always)
{
    int n = atomic_load(&share->places);
    bool own;

    do {
        own = n < share->own_places;
        if (!own && always)
            atomic_fetch_add(&pool->common, 1);
        else if (!own && !take_common(pool))
            return false;
        if (atomic_compare_exchange_strong(&share->places, &n, n + 1))
            break;
        if (!own)
            atomic_fetch_sub(&pool->common, 1);
    } while (true);
    atomic_fetch_add(&pool->places, 1);
    return true;
}

void weir__pool_admit_always(struct weir_pool *pool, int share)
{
    (void)take_place(pool, &pool->shares[share], true);
}

void weir__pool_give_place(struct weir_pool *pool, int share)
{
    struct weir__share *s = &pool->shares[share];

    atomic_fetch_sub(&pool->places, 1);
    if (atomic_fetch_sub(&s->places, 1) > s->own_places)
        atomic_fetch_sub(&pool->common, 1);
}

/* --- how long it will take --- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Until the first worker is free; then the jobs ahead, one after the other on all workers. A share that has
 * its turns among others is served sooner than the whole queue is. */
int64_t weir__pool_expected_ns(struct weir_pool *pool, int share, int64_t now_ns)
{
    int ahead = atomic_load_explicit(&pool->places, memory_order_relaxed) - pool->workers_max;
    int64_t service_ns = atomic_load_explicit(&pool->service_ns, memory_order_relaxed);
    int64_t spread_ns = atomic_load_explicit(&pool->spread_ns, memory_order_relaxed);
    int64_t free_ns = atomic_load_explicit(&pool->next_end_ns, memory_order_relaxed) - now_ns;
    struct weir__share *s = &pool->shares[share];
    int64_t queue_ns;

    if (ahead < 0)
        return 0;
    if (free_ns < 0) /* the worker is late already: how long it will be is unknown */
        free_ns = service_ns / (2 * pool->workers_max);
    if (free_ns < spread_ns / pool->workers_max) /* the less alike jobs are, the less their age says */
        free_ns = spread_ns / pool->workers_max;
    queue_ns = ahead * service_ns / pool->workers_max;
    if (pool->share_count > 1)
        queue_ns = least(queue_ns, atomic_load_explicit(&s->waiting, memory_order_relaxed) *
                                       atomic_load_explicit(&s->service_ns, memory_order_relaxed) * 100 /
                                       s->percent / pool->workers_max);
    return free_ns + queue_ns;
}

static int ahead_of_next(struct weir_pool *pool)
{
    return atomic_load_explicit(&pool->places, memory_order_relaxed) - pool->workers_max;
}

/* Returns: what so many jobs are likely to take beyond their expected time, twice; and a little for handing over: a job that was
 * taken and is then dropped has waited for nothing. */
static int64_t margin_ns(struct weir_pool *pool, int ahead, int64_t expected_ns)
{
    double spread_ns = (double)atomic_load_explicit(&pool->spread_ns, memory_order_relaxed);

    return (int64_t)(2 * spread_ns * sqrt(ahead + 1) / pool->workers_max) + expected_ns / 64;
}

/* Decides whether a job that has to wait is refused, and why. Its own time counts against its caller's
 * deadline, too; not when a worker is free, since a job unlike the others may well be shorter, and no other
 * is kept out. */
static int check_wait(struct weir_pool *pool, const weir_job *job, int ahead, int64_t expected_ns,
                      enum weir_pool_refusal *why)
{
    int64_t begins_ns = expected_ns + margin_ns(pool, ahead, expected_ns);
    int64_t own_ns = atomic_load_explicit(&pool->shares[job->share].service_ns, memory_order_relaxed);

    if (begins_ns > pool->wait_ns) {
        *why = WEIR_REFUSED_WAIT;
        return -WEIR_EBUSY;
    }
    if (job->deadline_ns - job->queued_ns < begins_ns + own_ns) {
        *why = WEIR_REFUSED_DEADLINE;
        return -WEIR_ELATE;
    }
    return 0;
}

int weir__pool_admit(struct weir_pool *pool, const weir_job *job, enum weir_when_full when_full,
                     int64_t *expected_ns, enum weir_pool_refusal *why)
{
    struct weir__share *share = &pool->shares[job->share];
    int ahead = ahead_of_next(pool), err;

    *expected_ns = 0;
    if (when_full != WEIR_REFUSE)
        return take_place(pool, share, true), 0;
    if (ahead >= 0) {
        *expected_ns = weir__pool_expected_ns(pool, job->share, job->queued_ns);
        err = check_wait(pool, job, ahead, *expected_ns, why);
        if (err < 0)
            return err;
    }
    if (!take_place(pool, share, false)) {
        *why = WEIR_REFUSED_FULL;
        return -WEIR_EBUSY;
    }
    return 0;
}
