/* SPDX-License-Identifier: MIT */
/* Pools: where computing and blocking calls go, so that no loop is held by them.
 *
 *     struct image { weir_bytes in; weir_buffer out; };
 *
 *     static int shrink(weir_job *job, void *arg)    // on a worker; arg is lent to it
 *     {
 *         struct image *img = arg;
 *         for (int row = 0; row < rows; row++) {
 *             if (weir_job_cancelled(job) < 0)       // nobody waits for it any more
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
 *         return err < 0 ? weir_reply_error(res, err)         // busy: 503 with Retry-After
 *                        : weir_reply_body(res, 200, "image/webp", &img.out);
 *     }
 *
 * Threading: a pool belongs to a runtime; the tasks of all its loops, and jobs, may use it at the same time.
 * A call that waits keeps its task waiting and its loop turning. Reading the state of a pool is for any
 * thread.
 *
 * A pool has an end. A job is taken only if it can be expected to be of use: there is a place in the queue,
 * what is before it will be over within the pool's wait limit, and it will be done before the caller's
 * deadline. Else it is refused, within microseconds. (With a worker free it is always taken.) A job that has
 * waited longer than that after all is dropped; one that was not begun is never begun late. Jobs of equal
 * share begin in the order they came.
 *
 * The caller always learns whether its job ran:
 *   - it never ran, and never will: -WEIR_EBUSY, -WEIR_ELATE, -WEIR_ENESTED, -WEIR_ECLOSED, and
 * -WEIR_ECANCELED or -WEIR_EDEADLINE of the caller's scope while it was queued; -EAGAIN no thread could be
 * had;
 *   - it ran and has returned: whatever it returned. weir_offload_options.report tells the two apart when a
 *     function itself returns one of these codes.
 * There is no third way: a call does not return while its job runs. Closing a scope therefore waits for the
 * jobs of its tasks, too.
 *
 * Jobs within jobs: a job may call weir_offload() and weir_offload_each() itself. Its worker's thread blocks
 * meanwhile. What a job asks for never stands in a queue, because workers that wait for a queue which only
 * they can empty would wait for ever: it goes to a worker that is free at that moment, or is refused: with
 * -WEIR_ENESTED by the pool the job runs in, by another pool with -WEIR_EBUSY. It is then best done where one
 * is, by calling the function.
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
    WEIR_POOL_COMPUTE,  /* for what uses the CPU: as many threads as CPUs, a little less urgent than loops */
    WEIR_POOL_BLOCKING, /* for calls that sleep (files, foreign libraries): threads come and go with the work
                         */
};

enum { WEIR_POOL_NAME_BYTES = 32, WEIR_POOL_SHARES_MAX = 64 };

/* A part of a pool that belongs to some of its users, a route say. Of the waiting places it has its percent
 * for itself; the places that are left are everybody's. When several have work waiting, the workers' time is
 * divided by percent, what is left of 100 being that of all who have no share. Nothing is kept idle: who
 * alone has work gets it all. */
typedef struct weir_pool_share {
    const char *name; /* for the statistics; lent while the pool is open */
    int percent;      /* 1 … 100; all together at most 100 */
} weir_pool_share;

/* Zero: the default in brackets. */
typedef struct weir_pool_options {
    const char *name;          /* as weir_pool_find() has it; copied, at most 31 bytes */
    enum weir_pool_class work; /* what it is for [compute] */
    int workers;               /* threads at most [compute: the CPUs this process may use, see
                                  weir_cpu_count(); blocking: 32] */
    int queue;                 /* waiting places beside the workers [64]; -1: none */
    weir_duration wait;        /* a job begins within it or not at all [250 ms] */
    weir_duration cpu; /* of a CPU that a job may use: then weir_job_cancelled() says -WEIR_ECPU [no limit] */
    const weir_pool_share *shares; /* lent until it is open; offloads name them by number, from 1 on */
    size_t share_count;            /* at most WEIR_POOL_SHARES_MAX */
} weir_pool_options;

/* The pool for computing, one in each runtime. It is there from the beginning; its threads begin with its
 * first job. weir_options.pools or weir_server_options.pools change what it is like.
 * Returns: never NULL.
 * Where:   task, job. Does not wait.
 */
weir_pool *weir_pool_compute(void);

/* The pool for calls that block, likewise.
 * Returns: never NULL.
 * Where:   task, job. Does not wait.
 */
weir_pool *weir_pool_blocking(void);

/* The pool of this runtime with this name: compute, blocking, those of its options, and those that are open.
 * Owns:    one that weir_pool_open() made is good until it is closed.
 * Returns: NULL when there is none.
 * Where:   task, job. Does not wait.
 */
weir_pool *weir_pool_find(const char *name);

/* Opens a further pool.
 * Owns:    the caller closes it before weir_run() returns. options are lent.
 * Returns: 0; -EINVAL options out of range, or a name that is taken; -WEIR_EBUSY there are 64 already;
 * -ENOMEM.
 * Where:   task. Does not wait.
 */
int weir_pool_open(const weir_pool_options *options, weir_pool **out) WEIR_CHECKED;

/* Closes it. What is queued never runs and ends with -WEIR_ECLOSED; what runs is waited for. Nobody may use
 * the pool when this has returned. NULL is nothing.
 * Cancel:  does not cut the wait short, nor the jobs that run; their own callers' scopes do that.
 * Where:   task. Waits.
 */
void weir_pool_close(weir_pool *pool);

/* The name of a pool.
 * Owns:    the text is the pool's.
 * Returns: never NULL.
 * Where:   any thread.
 */
const char *weir_pool_name(const weir_pool *pool);

/* The CPUs this process may use: those it is bound to, and no more than the quota of its cgroup allows (v1
 * and v2, those around it too). Of a quota that is the tighter of the two, one CPU is kept for the loops when
 * there are several, because a spent quota stops them as well.
 * Returns: >= 1.
 * Where:   any thread. Reads files: not for hot paths.
 */
int weir_cpu_count(void);

/* --- offloading --- */

/* Runs fn(job, arg) on the pool; the task waits. Refused at once when it can't begin in time. pool NULL: it
 * is run right here instead, on the caller's thread, which it holds meanwhile: for work so small that the way
 * there and back would cost more.
 * Owns:    name, for the watch and the statistics, and arg are lent until this returns.
 * Returns: what fn returned. Or it never ran: -WEIR_EBUSY the queue is full, or its wait longer than the pool
 *          allows, now or as it turned out; -WEIR_ELATE it would not be done before the caller's deadline;
 *          -WEIR_ENESTED the caller is a job of this pool, and no worker is free; -WEIR_ECLOSED the pool is
 *          being closed; -EAGAIN, -ENOMEM no thread; -WEIR_ECANCELED, -WEIR_EDEADLINE before it began.
 * Cancel:  a job that is queued leaves the queue and never runs; one that runs sees weir_job_cancelled(), and
 *          this returns when it has returned.
 * Where:   task, which waits; or job, whose thread blocks.
 */
int weir_offload(weir_pool *pool, const char *name, int (*fn)(weir_job *job, void *arg), void *arg);

enum weir_when_full {
    WEIR_REFUSE,     /* fail at once */
    WEIR_WAIT,       /* wait for its turn as long as the scope allows; the pool's wait limit does not apply */
    WEIR_WAIT_UNTIL, /* the same until options.until; then -WEIR_EBUSY */
};

enum weir_job_fate {
    WEIR_JOB_REFUSED,   /* never ran: not taken, or the pool was closed */
    WEIR_JOB_DROPPED,   /* never ran: taken, but its time in the queue was up, the pool's or its caller's */
    WEIR_JOB_CANCELLED, /* never ran: taken, but its caller's scope was cancelled */
    WEIR_JOB_RAN,       /* ran, and returned */
};

/* What became of a job. */
typedef struct weir_job_report {
    enum weir_job_fate fate;
    weir_duration expected; /* of a refused one: the wait there would have been; when to come back */
    weir_duration queued;   /* how long it was in the queue */
    weir_duration ran;      /* how long it ran; of weir_offload_each() the sum over the workers */
    size_t done;            /* of weir_offload_each(): how many of the indices were worked on */
} weir_job_report;

/* How far a job has come; made all zero by its owner, written by the job, read by anyone. */
typedef struct weir_progress {
    uint64_t done, total; /* read with weir_progress_read() */
} weir_progress;

/* Reads it. The two numbers may be of two moments.
 * Where:   any thread.
 */
void weir_progress_read(const weir_progress *progress, uint64_t *done, uint64_t *total);

/* All zero is weir_offload(). */
typedef struct weir_offload_options {
    enum weir_when_full when_full;
    weir_instant until;      /* with WEIR_WAIT_UNTIL */
    int share;               /* 0: none; i: number i of the pool's, from 1 on */
    weir_duration cpu;       /* as the pool's, of this job; 0: the pool's */
    weir_progress *progress; /* where weir_job_progress() writes; or NULL. Lent. */
    weir_job_report *report; /* filled in on return; or NULL */
    int workers_max;         /* of weir_offload_each(): at most so many at a time; 0: all */
    size_t grain;            /* of weir_offload_each(): at least so many indices in one call; 0: one */
} weir_offload_options;

/* As weir_offload(), with options.
 * Owns:    all is lent until this returns.
 * Returns: as weir_offload(); -EINVAL a share the pool does not have.
 * Cancel:  as weir_offload().
 * Where:   as weir_offload().
 */
int weir_offload_with(weir_pool *pool, const char *name, int (*fn)(weir_job *job, void *arg), void *arg,
                      const weir_offload_options *options);

/* Splits one large job over the pool: fn(job, begin, end, arg) is called for ranges that together are
 * 0 … count - 1, each index once, on as many workers as there are, at the same time; this waits for all. The
 * workers share the work as they go, so indices may differ in cost. It takes one place in the queue, and
 * other jobs get their turns between its ranges' workers.
 * Owns:    as weir_offload(); fn must be fit to run on several threads at once.
 * Returns: 0 when every index was worked on; the first code < 0 that fn returned: the ranges not begun are
 * then left out; else as weir_offload(). count 0 is 0 at once.
 * Cancel:  as weir_offload(); no further range is begun.
 * Where:   as weir_offload().
 */
int weir_offload_each(weir_pool *pool, const char *name,
                      int (*fn)(weir_job *job, size_t begin, size_t end, void *arg), size_t count, void *arg);

/* As weir_offload_each(), with options.
 * Owns:    as weir_offload_with().
 * Returns: as weir_offload_each(); -EINVAL as weir_offload_with().
 * Cancel:  as weir_offload_each().
 * Where:   as weir_offload().
 */
int weir_offload_each_with(weir_pool *pool, const char *name,
                           int (*fn)(weir_job *job, size_t begin, size_t end, void *arg), size_t count,
                           void *arg, const weir_offload_options *options);

/* --- looking at pools, from any thread --- */

enum weir_pool_refusal {
    WEIR_REFUSED_FULL,     /* no place in the queue */
    WEIR_REFUSED_WAIT,     /* the expected wait is over the pool's limit */
    WEIR_REFUSED_DEADLINE, /* it would not be done before the caller's deadline */
    WEIR_REFUSED_NESTED,   /* asked for by a job, and no worker was free */
    WEIR_REFUSED_OTHER,    /* closing, no thread */
    WEIR_REFUSALS
};

/* Sums since the pool was opened, and what is now. What was sent is `taken` and all `refused`; what was taken
 * is `ran`, `dropped`, `cancelled`, and those that are `queued` or `running` now. */
typedef struct weir_pool_stats {
    char name[WEIR_POOL_NAME_BYTES];
    enum weir_pool_class work;
    int workers, workers_max, queue_max; /* workers: threads there are */
    int queued, running;                 /* now */
    uint64_t taken, ran, dropped, cancelled;
    uint64_t refused[WEIR_REFUSALS];
    weir_duration service;  /* of one job, smoothed */
    weir_duration expected; /* wait of a job that came now */
    weir_duration wait_max;
} weir_pool_stats;

/* Reads a pool. To the meters is added how long jobs that ran were queued, and how long they ran; each may be
 * NULL.
 * Owns:    all is the caller's.
 * Where:   any thread while the pool is open. Does not hold up the pool.
 */
void weir_pool_read(weir_pool *pool, weir_pool_stats *stats, weir_meter *queued, weir_meter *ran);

/* Calls fn for each pool of a runtime, the one that was there first first, none of which closes meanwhile. fn
 * must not open or close pools, nor wait.
 * Owns:    pool is lent to fn.
 * Where:   any thread while the runtime runs.
 */
void weir_pool_each(weir_runtime *runtime, void (*fn)(void *arg, weir_pool *pool), void *arg);

#ifdef __cplusplus
}
#endif
#endif
