/* SPDX-License-Identifier: MIT */
/* The threads of a pool: they sleep until they are given a job, and cost nothing meanwhile. */
#include "pool/worker.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>

#include <weir/guard.h>

#include "base/clock.h"
#include "core/log/log.h"
#include "pool/handover.h"
#include "pool/job.h"
#include "pool/pool.h"
#include "pool/pool_sim.h"
#include "core/priority.h"
#include "pool/published.h"
#include "core/runtime.h"
#include "core/thread.h"

enum { RETIRES_AFTER_S = 10, NAME_BYTES = 16 };

/* Runs a job. Returns: until when to wait awake for the next: a caller on another core may have one soon. */
static int64_t run(struct weir__worker *worker, weir_job *job)
{
    int64_t began_ns = weir__clock_monotonic_ns(), ended_ns;
    int cpu = sched_getcpu(), caller_cpu = job->caller_cpu;
    long long not_yet = 0;
    int result;
    bool more;

    (void)atomic_compare_exchange_strong(&job->started_ns, &not_yet, began_ns);
    worker->cpu_from_ns = -1;
    atomic_store_explicit(&worker->cpu, cpu, memory_order_relaxed);
    atomic_store_explicit(&weir__thread_here->job, job, memory_order_relaxed);
    do {
        more = weir__job_step(job, &result);
        weir__published_job_over(worker);
    } while (more);
    atomic_store_explicit(&weir__thread_here->job, NULL, memory_order_relaxed);
    ended_ns = weir__clock_monotonic_ns();
    weir__pool_finish(worker, job, result, ended_ns - began_ns);
    return cpu != caller_cpu ? ended_ns + WEIR__SPIN_NS : 0;
}

/* --- sleeping --- */

static bool is_given(struct weir__worker *worker)
{
    return atomic_load_explicit(&worker->job, memory_order_relaxed) != NULL;
}

/* Sleeps until the worker is given a job. Returns: NULL: the thread ends. */
static weir_job *await(struct weir__worker *worker, int64_t spin_until_ns)
{
    bool may_retire = worker->pool->work == WEIR_POOL_BLOCKING;
    const struct timespec most = {.tv_sec = RETIRES_AFTER_S};
    weir_job *job;

    if (spin_until_ns > 0)
        while (!is_given(worker) && weir__clock_monotonic_ns() < spin_until_ns)
            weir__cpu_relax();
    for (;;) {
        job = atomic_exchange(&worker->job, NULL);
        if (job != NULL || atomic_load(&worker->ends))
            return job;
        atomic_store(&worker->asleep, 1);
        if (atomic_load(&worker->job) == NULL && !atomic_load(&worker->ends))
            weir__futex_wait(&worker->asleep, 1, may_retire ? &most : NULL);
        if (atomic_exchange(&worker->asleep, 0) == 1 && may_retire && weir__pool_retire(worker))
            return NULL;
    }
}

void weir__worker_wake(struct weir__worker *worker)
{
    if (worker->pool->sim != NULL)
        weir__sim_worker_begin(worker);
    else if (atomic_exchange(&worker->asleep, 0) == 1)
        weir__futex_wake(&worker->asleep);
}

/* --- threads --- */

static void *worker_thread(void *arg)
{
    struct weir__worker *worker = arg;
    struct weir_pool *pool = worker->pool;
    struct weir__thread thread;
    struct weir__log_here log = weir__log_enter(&pool->runtime->logger, WEIR__LOG_WORKER_BYTES);
    weir_job *job;
    char name[NAME_BYTES];
    int64_t spin_until_ns = 0;

    (void)snprintf(name, sizeof name, "%.*s", NAME_BYTES - 1, pool->name);
    (void)pthread_setname_np(pthread_self(), name);
    weir__priority_of_worker();
    weir__worker_here = worker;
    weir__thread_enter(&thread, worker->pool->runtime, NULL, worker);
    weir__pool_ready(worker);
    while ((job = await(worker, spin_until_ns)) != NULL)
        spin_until_ns = run(worker, job);
    weir__thread_leave(&thread);
    weir__log_leave(&log);
    weir__pool_one_less(pool, &pool->threads);
    return NULL; /* the pool may be gone */
}

/* Signals are for loops: a worker in the midst of a job is not interrupted, but by SIGPROF, which samples it
 * by the CPU time it uses, when it is in no system call. */
static int create(struct weir__worker *worker)
{
    sigset_t none, before;
    int err;

    (void)sigfillset(&none);
    (void)sigdelset(&none, SIGPROF);
    (void)pthread_sigmask(SIG_SETMASK, &none, &before);
    err = -pthread_create(&worker->thread, NULL, worker_thread, worker);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

/* Joins a thread that is about to end: this does not hold a loop. */
static void join(struct weir__worker *worker)
{
    weir_guard_allow once;

    if (!worker->has_thread)
        return;
    weir_guard_allow_begin(&once, "pthread_join");
    (void)pthread_join(worker->thread, NULL);
    weir_guard_allow_end(&once);
    worker->has_thread = false;
}

int weir__worker_start(struct weir__worker *worker)
{
    int err;

    join(worker); /* of a thread that has retired */
    atomic_fetch_add(&worker->pool->threads, 1);
    err = create(worker);
    worker->has_thread = err == 0;
    if (err < 0)
        atomic_fetch_sub(&worker->pool->threads, 1);
    return err;
}

void weir__workers_end(struct weir_pool *pool)
{
    for (int i = 0; i < pool->workers_max; i++) {
        atomic_store(&pool->workers[i].ends, true);
        if (pool->workers[i].has_thread)
            weir__worker_wake(&pool->workers[i]);
    }
}

void weir__workers_join(struct weir_pool *pool)
{
    for (int i = 0; i < pool->workers_max; i++)
        join(&pool->workers[i]);
}
