/* SPDX-License-Identifier: MIT */
/* Who is taken into a pool, and who is next.
 *
 * Places are counted without the lock, so that a loop refuses in nanoseconds. A share's places up to its own
 * are its own; each beyond them takes one of the common ones, and whoever brings the share's number down from
 * there gives one back. That holds whatever the order, since every step between the same two numbers pairs
 * up.
 *
 * Within a share who came first is first. Measured 2026-11-24 in virtual time, jobs of 60 ms each, at 3 and
 * 12 times the capacity: with admission by expected wait the queue is so short that the order hardly matters
 * (newest first, aged at half the wait, and by deadline: 16.5 to 16.7 answers in time a second, as first
 * come; 99th percentile 300 to 310 ms each). Without that bound first come has p99 3.9 s, newest first 27 s.
 * These figures hold for jobs that all take the same. When their times are exponentially distributed around
 * 60 ms (2026-11-28, the same arrivals) first come gives 15.7 to 16.7 a second, p99 380 to 430 ms: who is
 * behind a long one waits for it. What does matter is that a job's own time counts against its caller's
 * deadline: 16.7 in time rather than 10.8.
 *
 * Turns are given to shares by start-time fair queueing (Goyal et al., 1996): a share's turn grows by the
 * work it was given, divided by its percent; the least is next; one that had nothing to do starts at the
 * present.
 */
#include <assert.h>
#include <errno.h>
#include <math.h>

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

/* Until the first worker is free; then those before us, one after the other on all workers. A share that has
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
    if (free_ns < 0) /* it is late already: nobody knows how long it will be */
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

/* What so many jobs are likely to take beyond what is expected of them, twice; and a little for handing over:
 * a job that was taken and is then dropped has waited for nothing. */
static int64_t margin_ns(struct weir_pool *pool, int ahead, int64_t expected_ns)
{
    double spread_ns = (double)atomic_load_explicit(&pool->spread_ns, memory_order_relaxed);

    return (int64_t)(2 * spread_ns * sqrt(ahead + 1) / pool->workers_max) + expected_ns / 64;
}

/* Whether a job that has to wait is refused, and why. Its own time counts against its caller's deadline, too;
 * not when a worker is free, since a job unlike the others may well be shorter, and no one else is kept out.
 */
static int judge(struct weir_pool *pool, const weir_job *job, int ahead, int64_t expected_ns,
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
        err = judge(pool, job, ahead, *expected_ns, why);
        if (err < 0)
            return err;
    }
    if (!take_place(pool, share, false)) {
        *why = WEIR_REFUSED_FULL;
        return -WEIR_EBUSY;
    }
    return 0;
}

/* --- the queue, locked --- */

static void count_waiting(struct weir__share *share, int n)
{
    atomic_store_explicit(&share->waiting, atomic_load_explicit(&share->waiting, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

void weir__queue_add(struct weir_pool *pool, weir_job *job)
{
    struct weir__share *share = &pool->shares[job->share];

    if (weir__list_is_empty(&share->jobs) && share->turn < pool->turn)
        share->turn = pool->turn;
    weir__list_push_back(&share->jobs, &job->node);
    count_waiting(share, 1);
}

void weir__queue_remove(struct weir_pool *pool, weir_job *job)
{
    if (weir__list_is_empty(&job->node))
        return;
    weir__list_remove(&job->node);
    count_waiting(&pool->shares[job->share], -1);
}

bool weir__queue_is_empty(const struct weir_pool *pool)
{
    for (size_t i = 0; i < pool->share_count; i++)
        if (!weir__list_is_empty(&pool->shares[i].jobs))
            return false;
    return true;
}

static struct weir__share *share_in_turn(struct weir_pool *pool)
{
    struct weir__share *next = NULL;

    for (size_t i = 0; i < pool->share_count; i++) {
        struct weir__share *share = &pool->shares[i];
        if (!weir__list_is_empty(&share->jobs) && (next == NULL || share->turn < next->turn))
            next = share;
    }
    return next;
}

static bool is_spent(weir_job *job)
{
    return atomic_load(&job->next) >= job->count || atomic_load(&job->cancelled) != 0;
}

bool weir__job_take(weir_job *job)
{
    int queued = WEIR__JOB_QUEUED;

    return atomic_compare_exchange_strong(&job->state, &queued, WEIR__JOB_TAKEN);
}

/* Whether a worker should have it; it leaves the queue unless more workers are of use to it. */
static bool pick(struct weir_pool *pool, weir_job *job, int64_t now_ns)
{
    bool is_first = job->workers == 0;

    weir__queue_remove(pool, job);
    if (is_first && !weir__job_take(job))
        return false;
    if (is_first && now_ns > job->begin_by_ns) {
        weir__pool_end_unrun(pool, job, job->begin_by_ns == job->deadline_ns ? -WEIR_EDEADLINE : -WEIR_EBUSY,
                             WEIR_JOB_DROPPED);
        return false;
    }
    if (job->each != NULL && !is_first && is_spent(job))
        return false;
    if (++job->workers < job->workers_max) /* others have their turns between */
        weir__queue_add(pool, job);
    return true;
}

weir_job *weir__queue_next(struct weir_pool *pool, int64_t now_ns)
{
    struct weir__share *share;

    while ((share = share_in_turn(pool)) != NULL) {
        weir_job *job = weir__container_of(share->jobs.next, weir_job, node);
        double turn = share->turn;
        if (!pick(pool, job, now_ns))
            continue;
        pool->turn = turn;
        return job;
    }
    return NULL;
}

void weir__queue_charge(struct weir_pool *pool, int share, int64_t ran_ns)
{
    pool->shares[share].turn += (double)ran_ns * 100 / pool->shares[share].percent;
}
