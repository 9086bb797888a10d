/* SPDX-License-Identifier: MIT */
/* Pools: threads for computing and blocking calls, so that these do not hold a loop.
 *
 *     struct image { weir_bytes in; weir_buffer out; };
 *
 *     static int shrink(weir_job *job, void *arg)    // on a worker; arg is lent to it
 *     {
 *         struct image *img = arg;
 *         for (int row = 0; row < rows; row++) {
 *             if (weir_job_cancelled(job) < 0)       // the result is no longer wanted
 *                 return weir_job_cancelled(job);
 *             …
 *         }
 *         return 0;
 *     }
 *
 *     static int thumbnail(weir_request *req, weir_response *res, void *state)
 *     {
 *         struct image img = {…};
 *         int err = weir_offload(weir_pool_compute(), "shrink", shrink, &img);
 *         return err < 0 ? weir_respond_error(res, err)         // busy: 503 with Retry-After
 *                        : weir_respond_buffer(res, 200, "image/webp", &img.out);
 *     }
 *
 * Threading: a pool belongs to a runtime; the tasks of all its loops, and jobs, may use it at the same
 * time. A call that waits parks its task; the loop continues. Statistics of a pool may be read from any
 * thread.
 *
 * Admission: a job is accepted only if it can be expected to be useful. That is so if a worker is free, or
 * if three conditions hold: the queue has a place, the work ahead of the job will be done within the pool's
 * wait limit, and the job will end before its caller's deadline. Otherwise it is refused, within
 * microseconds. An accepted job that has not started within the wait limit is dropped: no job starts late.
 * Jobs of equal share start in the order in which they arrived.
 *
 * The caller always learns whether its job ran. Either the job never ran and never will: -WEIR_EBUSY,
 * -WEIR_ELATE, -WEIR_ENESTED, -WEIR_ECLOSED; -WEIR_ECANCELED or -WEIR_EDEADLINE of the caller's scope while
 * the job was queued; -EAGAIN no thread could be started. Or the job ran and has returned, and its result is
 * the result of the call. weir_offload_options.report distinguishes the two if a function itself returns one
 * of these codes. There is no third case: a call does not return while its job runs. Closing a scope
 * therefore waits for the jobs of its tasks, too.
 *
 * Jobs within jobs: a job may call weir_offload() and weir_offload_each() itself. Its worker's thread
 * blocks meanwhile. A job within a job is never queued, because workers that wait for a queue which only
 * they can empty would wait for ever. It goes to a worker that is free at that moment, or is refused: with
 * -WEIR_ENESTED by the pool that the outer job runs in, with -WEIR_EBUSY by another pool. The outer job
 * then best calls the function directly.
 */
#ifndef WEIR_POOL_H
#define WEIR_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/job.h>
#include <weir/meter.h>
#include <weir/runtime.h>
#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- pools --- */

enum weir_pool_class {
    WEIR_POOL_COMPUTE,  /* for work that uses the CPU: as many threads as CPUs, at a slightly lower priority
                           than loops */
    WEIR_POOL_BLOCKING, /* for calls that sleep (files, foreign libraries): threads are started and ended with
                           the work */
};

enum { WEIR_POOL_NAME_BYTES = 32, WEIR_POOL_SHARES_MAX = 64 };

/* A part of a pool that is reserved for some of its users, such as a route. Its percent of the waiting
 * places is reserved; the remaining places are for every job. When several shares have jobs waiting, the
 * workers' time is divided by percent; what remains of 100 belongs to all jobs without a share. Nothing is
 * left idle: a share that alone has work gets all workers. */
typedef struct weir_pool_share {
    const char *name;           /* for the statistics; lent while the pool is open */
    int percent;                /* 1 … 100; all shares together at most 100 */
    unsigned char reserved[32]; /* for later versions; zero */
} weir_pool_share;

/* A zero field means its default, given in brackets. */
typedef struct weir_pool_options {
    const char *name;          /* the name for weir_pool_find(); copied, at most 31 bytes */
    enum weir_pool_class work; /* the class of its work [compute] */
    int workers; /* threads at most [compute: the CPUs this process may use, see weir_cpu_count(); blocking:
                    32] */
    int queue;   /* waiting places in addition to the workers [64]; -1: none */
    weir_duration wait; /* a job starts within it or not at all [250 ms] */
    weir_duration
        cpu; /* CPU time that a job may use; beyond, weir_job_cancelled() returns -WEIR_ECPU [no limit] */
    const weir_pool_share
        *shares;                /* lent until the pool is open; offloads refer to them by number, from 1 on */
    size_t share_count;         /* at most WEIR_POOL_SHARES_MAX */
    unsigned char reserved[32]; /* for later versions; zero */
} weir_pool_options;

/* Returns the pool for computing, one in each runtime. It always exists; its threads are started with its
 * first job. An entry of weir_options.pools with its name, "compute", changes its options.
 * Returns: never NULL.
 * Where:   task, job. Does not wait.
 */
weir_pool *weir_pool_compute(void);

/* Returns the pool for blocking calls, one in each runtime; as weir_pool_compute().
 * Returns: never NULL.
 * Where:   task, job. Does not wait.
 */
weir_pool *weir_pool_blocking(void);

/* Finds a pool of this runtime by its name: compute, blocking, those in the runtime's options, and those
 * that weir_pool_open() opened.
 * Owns:    a pool that weir_pool_open() opened is valid until it is closed.
 * Returns: NULL if there is none.
 * Where:   task, job. Does not wait.
 */
weir_pool *weir_pool_find(const char *name);

/* Opens another pool.
 * Owns:    the caller closes it before weir_run() returns. options are lent.
 * Returns: 0; -EINVAL options out of range, or a name that exists; -WEIR_EBUSY there are 64 pools already;
 *          -ENOMEM.
 * Where:   task. Does not wait.
 */
int weir_pool_open(const weir_pool_options *options, weir_pool **out) WEIR_CHECKED;

/* Closes a pool. Queued jobs never run and end with -WEIR_ECLOSED; running jobs are waited for. The pool
 * must not be used afterwards. NULL does nothing.
 * Cancel:  shortens neither the wait nor the running jobs; the scopes of their own callers cancel those.
 * Where:   task. Waits.
 */
void weir_pool_close(weir_pool *pool);

/* Returns the name of a pool.
 * Owns:    the text is the pool's.
 * Returns: never NULL.
 * Where:   any thread.
 */
const char *weir_pool_name(const weir_pool *pool);

/* Counts the CPUs this process may use: those of its affinity, and no more than the quota of its cgroup
 * allows (versions 1 and 2, the enclosing cgroups included). If the quota is the smaller of the two and
 * allows several CPUs, one is left for the loops, because an exhausted quota stops them as well.
 * Returns: >= 1.
 * Where:   any thread. Reads files: not for hot paths.
 */
int weir_cpu_count(void);

/* --- offloading --- */

/* Runs fn(job, arg) on the pool and waits for it. Refused at once if it is not expected to start in time.
 * pool NULL: the function runs on the caller's thread instead, and holds it meanwhile: for work so small
 * that the way to a worker and back would cost more.
 * Owns:    name, for the watch and the statistics, and arg are lent until the function returns.
 * Returns: what fn returned. Or the job never ran: -WEIR_EBUSY the queue is full, or the wait is longer
 *          than the pool allows, as expected or as it turned out; -WEIR_ELATE it would not end before the
 *          caller's deadline; -WEIR_ENESTED the caller is a job of this pool, and no worker is free;
 *          -WEIR_ECLOSED the pool is being closed; -EAGAIN, -ENOMEM no thread; -WEIR_ECANCELED,
 *          -WEIR_EDEADLINE before it started.
 * Cancel:  removes a queued job, which then never runs. For a running job weir_job_cancelled() reports the
 *          cancel, and the call returns when the job has returned.
 * Where:   task, which waits; or job, whose thread blocks.
 */
int weir_offload(weir_pool *pool, const char *name, int (*fn)(weir_job *job, void *arg), void *arg);

enum weir_when_full {
    WEIR_REFUSE,     /* fail at once */
    WEIR_WAIT,       /* wait for its turn as long as the scope allows; the pool's wait limit does not apply */
    WEIR_WAIT_UNTIL, /* like WEIR_WAIT, until options.until; then -WEIR_EBUSY */
};

enum weir_job_fate {
    WEIR_JOB_REFUSED,   /* never ran: not accepted, or the pool was closed */
    WEIR_JOB_DROPPED,   /* never ran: accepted, but its time in the queue expired, by the pool's limit or its
                           caller's */
    WEIR_JOB_CANCELLED, /* never ran: accepted, but its caller's scope was cancelled */
    WEIR_JOB_RAN,       /* ran, and returned */
};

/* The fate of a job, and its times. */
typedef struct weir_job_report {
    enum weir_job_fate fate;
    weir_duration expected; /* of a refused job: the wait it would have had; when to try again */
    weir_duration queued;   /* time in the queue */
    weir_duration ran;      /* time running; of weir_offload_each() the sum over the workers */
    size_t done;            /* of weir_offload_each(): the number of indices that were processed */
} weir_job_report;

/* The progress of a job; set to zero by its owner, written by the job, read by any thread. */
typedef struct weir_progress {
    uint64_t done, total; /* read with weir_progress_get() */
} weir_progress;

/* Reads the progress of a job. The two numbers may be from different moments.
 * Where:   any thread.
 */
void weir_progress_get(const weir_progress *progress, uint64_t *done, uint64_t *total);

/* All zero is the same as weir_offload(). */
typedef struct weir_offload_options {
    enum weir_when_full when_full;
    weir_instant until;         /* for WEIR_WAIT_UNTIL */
    int share;                  /* 0: none; i: the pool's share number i, from 1 on */
    weir_duration cpu;          /* CPU time that this job may use; 0: the pool's limit */
    weir_progress *progress;    /* written by weir_job_progress(); lent; or NULL */
    weir_job_report *report;    /* filled in on return; or NULL */
    int workers_max;            /* of weir_offload_each(): at most so many workers at a time; 0: all */
    size_t grain;               /* of weir_offload_each(): at least so many indices in one call; 0: one */
    unsigned char reserved[32]; /* for later versions; zero */
} weir_offload_options;

/* Like weir_offload(), with options.
 * Owns:    everything is lent until the function returns.
 * Returns: as weir_offload(); -EINVAL a share that the pool does not have, or other options out of range.
 * Cancel:  as weir_offload().
 * Where:   as weir_offload().
 */
int weir_offload_with(weir_pool *pool, const char *name, int (*fn)(weir_job *job, void *arg), void *arg,
                      const weir_offload_options *options);

/* Divides one large job among the workers of a pool. fn(job, begin, end, arg) is called for ranges that
 * together are 0 … count - 1, each index once, on as many workers as there are, at the same time; this
 * function waits for all. Ranges are assigned while the work proceeds, so indices may differ in cost. The
 * job takes one place in the queue; each time a worker joins it, it goes to the queue's end, so that other
 * jobs get their turns.
 * Owns:    as weir_offload(); fn must be able to run on several threads at once.
 * Returns: 0 if every index was processed; the first code < 0 that fn returned: ranges not yet begun are
 *          then left out; otherwise as weir_offload(). For count 0 it returns 0 at once.
 * Cancel:  as weir_offload(); no further range is begun.
 * Where:   as weir_offload().
 */
int weir_offload_each(weir_pool *pool, const char *name,
                      int (*fn)(weir_job *job, size_t begin, size_t end, void *arg), size_t count, void *arg);

/* Like weir_offload_each(), with options.
 * Owns:    as weir_offload_with().
 * Returns: as weir_offload_each(); -EINVAL as weir_offload_with().
 * Cancel:  as weir_offload_each().
 * Where:   as weir_offload().
 */
int weir_offload_each_with(weir_pool *pool, const char *name,
                           int (*fn)(weir_job *job, size_t begin, size_t end, void *arg), size_t count,
                           void *arg, const weir_offload_options *options);

/* --- statistics of pools, from any thread --- */

enum weir_pool_refusal {
    WEIR_REFUSED_FULL,     /* no place in the queue */
    WEIR_REFUSED_WAIT,     /* the expected wait is longer than the pool's limit */
    WEIR_REFUSED_DEADLINE, /* the job would not end before the caller's deadline */
    WEIR_REFUSED_NESTED,   /* offloaded by a job, and no worker was free */
    WEIR_REFUSED_OTHER,    /* the pool is being closed, or no thread */
    WEIR_REFUSALS
};

/* Sums since the pool was opened, and present values. Jobs that were sent are `taken` and all `refused`;
 * jobs that were taken are `ran`, `dropped`, `cancelled`, and those `queued` or `running` now. */
typedef struct weir_pool_stats {
    char name[WEIR_POOL_NAME_BYTES];
    enum weir_pool_class work;
    int workers, workers_max, queue_max; /* workers: threads that exist */
    int queued, running;                 /* now */
    uint64_t taken, ran, dropped, cancelled;
    uint64_t refused[WEIR_REFUSALS];
    weir_duration service;  /* time of one job, smoothed */
    weir_duration expected; /* wait of a job that arrived now */
    weir_duration wait_max;
} weir_pool_stats;

/* Reads the statistics of a pool. The queueing times and running times of jobs that ran are added to the
 * two meters, either of which may be NULL.
 * Owns:    everything is the caller's.
 * Where:   any thread while the pool is open. Does not block the pool.
 */
void weir_pool_stats_get(weir_pool *pool, weir_pool_stats *stats, weir_meter *queued, weir_meter *ran);

/* Calls fn for each pool of a runtime, oldest first. No pool is closed during the call. fn must not open or
 * close pools, nor wait.
 * Owns:    pool is lent to fn.
 * Where:   any thread while the runtime runs.
 */
void weir_pool_each(weir_runtime *runtime, void (*fn)(void *arg, weir_pool *pool), void *arg);

#ifdef __cplusplus
}
#endif
#endif
