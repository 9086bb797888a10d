/* SPDX-License-Identifier: MIT */
/* The records of pools and their workers.
 *
 * A task puts a job, which lies on the task's own stack, into the pool's inbox and parks. The holder of the
 * pool's lock reads the inbox, gives jobs to workers, and sends home jobs that have ended. A loop never waits
 * for the lock: if it is taken the loop goes on, because the holder looks into the inbox again after leaving.
 * Workers, and threads that read a pool from outside, may wait for it; it is held for some hundred
 * instructions.
 *
 * Threading: each field belongs to the side that its comment names. "locked": the holder of pool->lock.
 *
 *   pool_open     opening and closing
 *   admission     places, and the expected wait: which jobs are taken in
 *   pool_queue    the order of the jobs that wait
 *   handover      inbox, lock, giving jobs to workers
 *   job           running a job, and what it may ask and report
 *   worker        the threads
 *   offload       the caller's side
 *   pool_sim      workers in virtual time
 *   pool_stats    figures for other threads
 */
#ifndef WEIR__POOL_POOL_H
#define WEIR__POOL_POOL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <weir/pool.h>

#include "base/list.h"
#include "core/lock.h"
#include "core/loop.h"

struct weir__note;
struct weir__pool_wakeups;
struct weir__task;

/* Lies on the stack of the task that closes the pool. */
struct weir__closing {
    struct weir__message last_one;
    struct weir__task *task;
    atomic_bool notified;
};

struct weir__share {
    const char *name;
    int percent;
    int own_places;
    atomic_int places;       /* places taken, by jobs that wait or run */
    atomic_int waiting;      /* written locked */
    atomic_llong service_ns; /* of one job, smoothed; written locked */
    struct weir__list jobs;  /* locked: jobs that wait, oldest first */
    double turn;             /* locked: the work it has been given, in its own measure; see pool_queue.c */
};

enum weir__worker_state {
    WEIR__WORKER_ABSENT,
    WEIR__WORKER_STARTING,
    WEIR__WORKER_IDLE,
    WEIR__WORKER_BUSY,
};

/* A worker's place lives as long as the pool; threads come and go in it. */
struct weir__worker {
    struct weir_pool *pool;
    int index;
    enum weir__worker_state state; /* locked */
    struct weir__list node;        /* locked: in idle or absent */
    _Atomic(weir_job *) job; /* given by the holder of the lock to an idle worker, taken by the worker */
    atomic_int asleep;       /* a futex; 1: the worker sleeps, or is about to and will look at job again */
    atomic_bool ends;
    weir_job *running;             /* locked to write; the worker's own to read */
    int64_t begun_ns;              /* locked: when it was given the job it runs */
    int64_t charged_ns;            /* locked: the time charged for it to its share, in advance */
    struct weir__list begun;       /* locked: in pool->begun, the earliest first */
    atomic_int cpu;                /* the CPU it ran on last */
    _Atomic(uint64_t) reads_since; /* see published.c; 0: its job has read nothing that is published */
    /* the worker's own, of a job with a limit: the CPU time of its thread when the job first asked, -1 before
     * that; and when the limit can be reached */
    int64_t cpu_from_ns, cpu_look_ns;
    bool has_thread; /* a thread to be joined */
    pthread_t thread;
    /* under simulation */
    int64_t began_ns;
    int result;
    bool over;
};

struct weir_pool {
    weir_runtime *runtime;
    char name[WEIR_POOL_NAME_BYTES];
    enum weir_pool_class work;
    int workers_max, queue_max;
    int64_t wait_ns, cpu_max_ns;
    struct weir__loop *sim; /* the one loop of a simulation, which has no threads; or NULL */

    _Atomic(struct weir__note *) inbox;
    struct weir__lock lock;
    atomic_int calls, threads; /* calls and threads that have not returned; and WEIR__POOL_CLOSING */
    atomic_int common;         /* places taken that belong to no share */
    int common_max;
    atomic_int places;
    atomic_llong service_ns;  /* of one job, smoothed; written locked */
    atomic_llong spread_ns;   /* how far jobs are from that, smoothed; written locked */
    atomic_llong next_end_ns; /* when a worker is expected to be free; written locked */
    _Atomic(uint64_t) refused[WEIR_REFUSALS];
    _Atomic(uint64_t) taken;
    struct weir__closing *closer; /* written once, before WEIR__POOL_CLOSING */

    /* locked */
    struct weir__list ended; /* jobs to be sent home */
    struct weir__list idle, absent, begun;
    int thread_count, starting;         /* starting threads are counted in both */
    int64_t no_thread_until_ns;         /* a thread could not be started: not tried again before */
    struct weir__pool_wakeups *wakeups; /* of handover.c */
    double turn;                        /* of the share that was served last */
    uint64_t ran, dropped, cancelled;
    weir_meter queued_times, run_times; /* locked to write */

    struct weir__worker *workers;
    size_t share_count; /* with number 0, of jobs without a share */
    struct weir__share shares[];
};

enum { WEIR__POOLS_MAX = 64, WEIR__POOL_CLOSING = 1 << 30 };

/* The pools of a runtime; compute and blocking are the first two. */
struct weir__pools {
    pthread_mutex_t lock;
    int count;
    struct weir_pool *pool[WEIR__POOLS_MAX];
};

extern __thread struct weir__worker *weir__worker_here
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Returns the runtime of the calling worker or task; ends the program elsewhere, in the name of a public
 * function. */
struct weir_runtime *weir__pool_runtime_here(const char *function);
/* Under the lock of the pools. NULL: there is none of that name. */
struct weir_pool *weir__pools_find(const struct weir__pools *pools, const char *name);
int64_t weir__pool_now_ns(const struct weir_pool *pool);
/* Ends one of pool->calls or threads; the pool may be gone after it. */
void weir__pool_one_less(struct weir_pool *pool, atomic_int *count);

static inline bool weir__pool_is_closing(struct weir_pool *pool)
{
    return (atomic_load(&pool->calls) & WEIR__POOL_CLOSING) != 0;
}

#endif
