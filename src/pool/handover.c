/* SPDX-License-Identifier: MIT */
/* Handing jobs to workers and back: an inbox, a lock that loops only try, and what its holder does. */
#include "pool/handover.h"

#include <errno.h>
#include <string.h>

#include "core/task_record.h"
#include "pool/admission.h"
#include "pool/job.h"
#include "pool/pool_queue.h"
#include "pool/worker.h"

enum { WORDS = 1024 / 64, SMOOTHED_OVER = 8 };
static const int64_t no_thread_pause_ns = 100000000; /* after a thread could not be started */

/* What the holder of the lock wakes once it has left it: workers by number, and callers. */
struct weir__pool_wakeups {
    uint64_t wake[WORDS], start[WORDS];
    struct weir__list home;
};

static void mark(uint64_t *set, int i)
{
    set[i / 64] |= UINT64_C(1) << i % 64;
}

/* --- locked: giving out --- */

static void note_next_end(struct weir_pool *pool)
{
    struct weir__worker *first;
    int64_t at_ns = 0;

    if (!weir__list_is_empty(&pool->begun)) {
        first = weir__container_of(pool->begun.next, struct weir__worker, begun);
        at_ns = first->begun_ns + atomic_load_explicit(&pool->service_ns, memory_order_relaxed);
    }
    atomic_store_explicit(&pool->next_end_ns, at_ns, memory_order_relaxed);
}

static void begin(struct weir__worker *worker, weir_job *job, int64_t now_ns)
{
    struct weir_pool *pool = worker->pool;
    struct weir__share *share = &pool->shares[job->share];

    worker->state = WEIR__WORKER_BUSY;
    worker->running = job;
    worker->begun_ns = now_ns;
    atomic_store_explicit(&job->worker_cpu, atomic_load_explicit(&worker->cpu, memory_order_relaxed),
                          memory_order_relaxed);
    /* Charged by what jobs of the share took, put right when the job is over: so a share does not get all
     * workers before its first job has ended. */
    worker->charged_ns = atomic_load_explicit(&share->service_ns, memory_order_relaxed);
    weir__queue_charge(pool, job->share, worker->charged_ns);
    weir__list_push_back(&pool->begun, &worker->begun);
    note_next_end(pool);
    atomic_store(&worker->job, job);
}

static struct weir__worker *first_of(struct weir__list *list)
{
    return weir__list_is_empty(list) ? NULL : weir__container_of(list->next, struct weir__worker, node);
}

static void begin_thread(struct weir_pool *pool, struct weir__worker *worker, struct weir__pool_wakeups *t)
{
    weir__list_remove(&worker->node);
    worker->state = WEIR__WORKER_STARTING;
    pool->thread_count++;
    pool->starting++;
    mark(t->start, worker->index);
}

static bool give_to_idle(struct weir_pool *pool, weir_job *job, int64_t now_ns, struct weir__pool_wakeups *t)
{
    struct weir__worker *worker = first_of(&pool->idle);

    if (worker == NULL)
        return false;
    weir__list_remove(&worker->node);
    begin(worker, job, now_ns);
    mark(t->wake, worker->index);
    return true;
}

static int waiting(const struct weir_pool *pool)
{
    int n = 0;

    for (size_t i = 0; i < pool->share_count; i++)
        n += atomic_load_explicit(&pool->shares[i].waiting, memory_order_relaxed);
    return n;
}

/* Gives queued jobs to idle workers; when all are busy, threads are started, one for each job that waits. */
static void give_out(struct weir_pool *pool, struct weir__pool_wakeups *t)
{
    struct weir__worker *absent;
    weir_job *job;
    int64_t now_ns;

    if (weir__queue_is_empty(pool))
        return;
    now_ns = weir__pool_now_ns(pool);
    while (!weir__list_is_empty(&pool->idle) && (job = weir__queue_next(pool, now_ns)) != NULL)
        (void)give_to_idle(pool, job, now_ns, t);
    if (pool->thread_count > 0 && now_ns < pool->no_thread_until_ns)
        return;
    while (pool->starting < waiting(pool) && (absent = first_of(&pool->absent)) != NULL)
        begin_thread(pool, absent, t);
}

/* Refuses a job that had been taken in. */
static void refuse(struct weir_pool *pool, weir_job *job, int result, enum weir_pool_refusal why)
{
    atomic_fetch_sub_explicit(&pool->taken, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&pool->refused[why], 1, memory_order_relaxed);
    weir__queue_end_unrun(pool, job, result, WEIR_JOB_REFUSED);
}

void weir__pool_empty(struct weir_pool *pool, int result, enum weir_pool_refusal why)
{
    for (size_t i = 0; i < pool->share_count; i++)
        weir__list_each_safe (node, &pool->shares[i].jobs) {
            weir_job *job = weir__container_of(node, weir_job, node);
            bool is_fresh = job->workers == 0;
            weir__queue_remove(pool, job);
            if (is_fresh && weir__job_take(job))
                refuse(pool, job, result, why);
        }
}

/* Gives a job within a job to workers that are free now, or refuses it. */
static void give_nested(struct weir_pool *pool, weir_job *job, struct weir__pool_wakeups *t)
{
    int64_t now_ns = weir__pool_now_ns(pool);
    struct weir__worker *absent;

    atomic_store(&job->state, WEIR__JOB_TAKEN);
    while (job->workers < job->workers_max && give_to_idle(pool, job, now_ns, t))
        job->workers++;
    if (job->workers < job->workers_max && (absent = first_of(&pool->absent)) != NULL) {
        begin_thread(pool, absent, t);
        begin(absent, job, now_ns);
        absent->state = WEIR__WORKER_STARTING;
        job->workers++;
    }
    if (job->workers == 0)
        refuse(pool, job, job->outer->pool == pool ? -WEIR_ENESTED : -WEIR_EBUSY, WEIR_REFUSED_NESTED);
}

/* --- locked: reading notes --- */

void weir__note_submit(struct weir_pool *pool, struct weir__note *note)
{
    weir_job *job = weir__container_of(note, weir_job, submit);

    if (weir__pool_is_closing(pool)) {
        if (weir__job_take(job))
            refuse(pool, job, -WEIR_ECLOSED, WEIR_REFUSED_OTHER);
    } else if (job->outer != NULL)
        give_nested(pool, job, pool->wakeups);
    else if (atomic_load(&job->state) == WEIR__JOB_QUEUED)
        weir__queue_add(pool, job);
}

void weir__note_leave(struct weir_pool *pool, struct weir__note *note)
{
    weir_job *job = weir__container_of(note, weir_job, leave);

    weir__queue_remove(pool, job);
    weir__queue_end_unrun(pool, job, job->result, job->fate);
}

static void read_notes(struct weir_pool *pool)
{
    struct weir__note *note, *next, *in_order = NULL;

    if (atomic_load_explicit(&pool->inbox, memory_order_relaxed) == NULL)
        return;
    for (note = atomic_exchange(&pool->inbox, NULL); note != NULL; note = next) {
        next = note->next;
        note->next = in_order;
        in_order = note;
    }
    for (note = in_order; note != NULL; note = next) {
        next = note->next; /* reading may end the life of the note */
        note->read(pool, note);
    }
}

/* --- unlocked: telling --- */

static void start_worker(struct weir__worker *worker)
{
    struct weir_pool *pool = worker->pool;
    int err = weir__worker_start(worker);
    weir_job *job;

    if (err == 0)
        return;
    weir__lock_enter(&pool->lock);
    pool->thread_count--;
    pool->starting--;
    job = atomic_exchange(&worker->job, NULL);
    if (job != NULL) {
        weir__list_remove(&worker->begun);
        worker->running = NULL;
        if (--job->workers == 0)
            refuse(pool, job, err, WEIR_REFUSED_OTHER);
    }
    worker->state = WEIR__WORKER_ABSENT;
    weir__list_push_back(&pool->absent, &worker->node);
    if (pool->thread_count == 0) /* no thread would ever take them */
        weir__pool_empty(pool, err, WEIR_REFUSED_OTHER);
    pool->no_thread_until_ns = weir__pool_now_ns(pool) + no_thread_pause_ns;
    weir__pool_leave(pool);
}

static void send_home(weir_job *job)
{
    if (job->task != NULL) {
        weir__loop_post(job->task->loop, &job->home);
    } else if (atomic_exchange(&job->is_home, 1) == 2) {
        /* The job may be gone by now; waking a futex without a sleeper is harmless. */
        weir__futex_wake(&job->is_home);
    }
}

static void wake_all(struct weir_pool *pool, struct weir__pool_wakeups *t)
{
    struct weir__list *node;

    while ((node = weir__list_pop_front(&t->home)) != NULL)
        send_home(weir__container_of(node, weir_job, node));
    for (int w = 0; w * 64 < pool->workers_max; w++) {
        for (uint64_t set = t->wake[w]; set != 0; set &= set - 1)
            weir__worker_wake(&pool->workers[w * 64 + __builtin_ctzll(set)]);
        for (uint64_t set = t->start[w]; set != 0; set &= set - 1)
            start_worker(&pool->workers[w * 64 + __builtin_ctzll(set)]);
    }
}

/* A note that was posted while the lock was held, by a caller that found it taken, is seen after it has been
 * left. */
void weir__pool_leave(struct weir_pool *pool)
{
    do {
        struct weir__pool_wakeups t;
        memset(t.wake, 0, sizeof t.wake);
        memset(t.start, 0, sizeof t.start);
        weir__list_init(&t.home);
        pool->wakeups = &t;
        read_notes(pool);
        give_out(pool, &t);
        weir__list_move_all(&t.home, &pool->ended);
        weir__lock_leave(&pool->lock);
        wake_all(pool, &t);
    } while (atomic_load(&pool->inbox) != NULL && weir__lock_try(&pool->lock));
}

void weir__pool_post(struct weir_pool *pool, struct weir__note *note)
{
    struct weir__note *first = atomic_load_explicit(&pool->inbox, memory_order_relaxed);

    do
        note->next = first;
    while (!atomic_compare_exchange_weak(&pool->inbox, &first, note));
    if (weir__lock_try(&pool->lock))
        weir__pool_leave(pool);
}

/* --- a worker's end of a job --- */

/* Returns: how far ns is from the mean before; the first value becomes the mean. */
static int64_t smooth(atomic_llong *mean_ns, int64_t ns)
{
    int64_t mean = atomic_load_explicit(mean_ns, memory_order_relaxed), off = mean == 0 ? 0 : ns - mean;

    atomic_store_explicit(mean_ns, mean == 0 ? ns : mean + off / SMOOTHED_OVER, memory_order_relaxed);
    return off < 0 ? -off : off;
}

static void account(struct weir__worker *worker, weir_job *job, int64_t ran_ns)
{
    struct weir_pool *pool = worker->pool;

    job->ran_ns += ran_ns;
    (void)smooth(&pool->spread_ns, smooth(&pool->service_ns, ran_ns));
    (void)smooth(&pool->shares[job->share].service_ns, ran_ns);
    weir__queue_charge(pool, job->share, ran_ns - worker->charged_ns);
    weir_meter_record(&pool->run_times, (weir_duration){ran_ns});
}

static void end_run(struct weir_pool *pool, weir_job *job, int result)
{
    int64_t queued_ns = atomic_load_explicit(&job->started_ns, memory_order_relaxed) - job->queued_ns;

    job->result = weir__job_result(job, result);
    job->fate = WEIR_JOB_RAN;
    pool->ran++;
    weir_meter_record(&pool->queued_times, (weir_duration){queued_ns});
    weir__pool_give_place(pool, job->share);
    weir__list_push_back(&pool->ended, &job->node);
}

void weir__pool_finish(struct weir__worker *worker, weir_job *job, int result, int64_t ran_ns)
{
    struct weir_pool *pool = worker->pool;

    weir__lock_enter(&pool->lock);
    weir__list_remove(&worker->begun);
    worker->running = NULL;
    worker->state = WEIR__WORKER_IDLE;
    weir__list_push_front(&pool->idle, &worker->node);
    account(worker, job, ran_ns);
    note_next_end(pool);
    weir__queue_remove(pool, job); /* a part of each returns when there is no more to do */
    if (--job->workers == 0)
        end_run(pool, job, result);
    weir__pool_leave(pool);
}

void weir__pool_ready(struct weir__worker *worker)
{
    struct weir_pool *pool = worker->pool;

    weir__lock_enter(&pool->lock);
    pool->starting--;
    worker->state = worker->running != NULL ? WEIR__WORKER_BUSY : WEIR__WORKER_IDLE;
    if (worker->state == WEIR__WORKER_IDLE)
        weir__list_push_front(&pool->idle, &worker->node);
    weir__pool_leave(pool);
}

bool weir__pool_retire(struct weir__worker *worker)
{
    struct weir_pool *pool = worker->pool;
    bool retires;

    weir__lock_enter(&pool->lock);
    retires = worker->state == WEIR__WORKER_IDLE;
    if (retires) {
        weir__list_remove(&worker->node);
        worker->state = WEIR__WORKER_ABSENT;
        weir__list_push_back(&pool->absent, &worker->node);
        pool->thread_count--;
    }
    weir__pool_leave(pool);
    return retires;
}
