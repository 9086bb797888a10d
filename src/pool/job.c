/* SPDX-License-Identifier: MIT */
#include "pool/job.h"

#include <time.h>

#include <weir/job.h>

#include "pool/pool.h"

enum { RANGES_PER_WORKER = 16 };

/* --- what a job may ask and say --- */

static int64_t read_ns(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Asking for a thread's CPU time is a system call: it is not asked for before the time that has passed says
 * that the limit can have been reached. */
static int over_cpu(int64_t max_ns)
{
    struct weir__worker *worker = weir__worker_here;
    int64_t now_ns, left_ns;

    if (worker == NULL || worker->pool->sim != NULL)
        return 0;
    now_ns = read_ns(CLOCK_MONOTONIC_COARSE);
    if (worker->cpu_from_ns >= 0 && now_ns < worker->cpu_look_ns)
        return 0;
    left_ns = read_ns(CLOCK_THREAD_CPUTIME_ID);
    if (worker->cpu_from_ns < 0)
        worker->cpu_from_ns = left_ns;
    left_ns = max_ns - (left_ns - worker->cpu_from_ns);
    worker->cpu_look_ns = now_ns + left_ns;
    return left_ns > 0 ? 0 : -WEIR_ECPU;
}

int weir_job_cancelled(const weir_job *job)
{
    const int64_t cpu_max_ns = job->cpu_max_ns;

    for (; job != NULL; job = job->outer) {
        int code = atomic_load_explicit(&((weir_job *)(uintptr_t)job)->cancelled, memory_order_relaxed);
        if (code != 0)
            return code;
    }
    return cpu_max_ns > 0 ? over_cpu(cpu_max_ns) : 0;
}

weir_instant weir_job_deadline(const weir_job *job)
{
    return (weir_instant){job->deadline_ns};
}

void weir_job_progress(weir_job *job, uint64_t done, uint64_t total)
{
    if (job->progress == NULL)
        return;
    __atomic_store_n(&job->progress->total, total, __ATOMIC_RELAXED);
    __atomic_store_n(&job->progress->done, done, __ATOMIC_RELAXED);
}

void weir_progress_get(const weir_progress *progress, uint64_t *done, uint64_t *total)
{
    *done = __atomic_load_n(&progress->done, __ATOMIC_RELAXED);
    *total = __atomic_load_n(&progress->total, __ATOMIC_RELAXED);
}

bool weir_job_takes(weir_job *job, weir_duration d)
{
    if (job->pool == NULL || job->pool->sim == NULL)
        return false;
    job->takes_ns = d.ns > 0 ? d.ns : 0;
    return true;
}

/* --- running --- */

static size_t range_of(const weir_job *job)
{
    size_t even = job->count / ((size_t)job->workers_max * RANGES_PER_WORKER);

    return even > job->grain ? even : job->grain;
}

static void fail_each(weir_job *job, int err)
{
    int none = 0;

    (void)atomic_compare_exchange_strong(&job->failure, &none, err);
    atomic_store(&job->next, job->count);
}

int weir__job_result(weir_job *job, int result)
{
    int failure = atomic_load(&job->failure);

    if (job->each == NULL)
        return result;
    if (failure != 0)
        return failure;
    return atomic_load(&job->done) == job->count ? 0 : weir_job_cancelled(job);
}

static bool step_of_each(weir_job *job, int *result)
{
    size_t begin = job->count, end, range = range_of(job);
    int err;

    if (weir_job_cancelled(job) == 0)
        begin = atomic_fetch_add(&job->next, range);
    if (begin >= job->count) {
        *result = 0;
        return false;
    }
    end = job->count - begin > range ? begin + range : job->count;
    err = job->each(job, begin, end, job->arg);
    if (err < 0)
        fail_each(job, err);
    else
        atomic_fetch_add(&job->done, end - begin);
    return true;
}

bool weir__job_step(weir_job *job, int *result)
{
    if (job->each != NULL)
        return step_of_each(job, result);
    *result = job->fn(job, job->arg);
    return false;
}
