/* Who is taken into a pool, and who is next.
 *
 * Places are counted without the lock, so that a loop refuses in nanoseconds. A share's places up to its own
 * are its own; each beyond them takes one of the common ones, and whoever brings the share's number down from
 * there gives one back. That holds whatever the order, since every step between the same two numbers pairs
 * up.
 *
 * Turns are given to shares by start-time fair queueing (Goyal et al., 1996): a share's turn grows by the
 * work it was given, divided by its percent; the least is next; one that had nothing to do starts at the
 * present.
 */
#include <assert.h>
#include <errno.h>
#include <math.h>

#include "core/pool.h"

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
    int64_t free_ns = atomic_load_explicit(&pool->next_end_ns, memory_order_relaxed) - now_ns;
    struct weir__share *s = &pool->shares[share];
    int64_t queue_ns;

    if (ahead < 0)
        return 0;
    if (free_ns < 0) /* it is late already: nobody knows how long it will be */
        free_ns = service_ns / (2 * pool->workers_max);
    queue_ns = ahead * service_ns / pool->workers_max;
    if (pool->share_count > 1)
        queue_ns = least(queue_ns, atomic_load_explicit(&s->waiting, memory_order_relaxed) *
                                       atomic_load_explicit(&s->service_ns, memory_order_relaxed) * 100 /
                                       s->percent / pool->workers_max);
    return free_ns + queue_ns;
}

/* Twice what so many jobs are likely to take beyond what is expected of them: a job that was taken and is
 * then dropped has waited for nothing. */
static int64_t margin_ns(struct weir_pool *pool)
{
    int ahead = atomic_load_explicit(&pool->places, memory_order_relaxed) - pool->workers_max;
    double spread_ns = (double)atomic_load_explicit(&pool->spread_ns, memory_order_relaxed);

    return ahead < 0 ? 0 : (int64_t)(2 * spread_ns * sqrt(ahead + 1) / pool->workers_max);
}

int weir__pool_admit(struct weir_pool *pool, const weir_job *job, enum weir_when_full when_full,
                     int64_t *expected_ns, enum weir_pool_refusal *why)
{
    struct weir__share *share = &pool->shares[job->share];
    int64_t margin;

    if (when_full != WEIR_REFUSE) {
        *expected_ns = 0;
        return take_place(pool, share, true), 0;
    }
    *expected_ns = weir__pool_expected_ns(pool, job->share, job->queued_ns);
    margin = margin_ns(pool);
    if (*expected_ns + margin > pool->wait_ns) {
        *why = WEIR_REFUSED_WAIT;
        return -WEIR_EBUSY;
    }
    if (job->deadline_ns - job->queued_ns < *expected_ns + margin) {
        *why = WEIR_REFUSED_DEADLINE;
        return -WEIR_ELATE;
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
