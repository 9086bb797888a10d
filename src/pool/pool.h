/* SPDX-License-Identifier: MIT */
/* The inside of pools and jobs.
 *
 * Who does what. A task puts a job, which lies on its own stack, into the pool's inbox and parks. Whoever
 * holds the pool's lock reads the inbox, gives jobs to workers, and sends home what has ended. A loop never
 * waits for the lock: finding it taken it goes on, because the holder looks into the inbox again after
 * leaving. Workers, and those who look from outside, may wait for it; it is held for some hundred
 * instructions.
 *
 * Threading: fields say whose they are. "locked": only by the holder of pool->lock.
 *
 * The life of a job, all told by `state`: QUEUED, until either the pool takes it (TAKEN) or its caller
 * leaves (LEFT); one of the two exchanges wins. A TAKEN job is sent home by the worker that ran it, a LEFT
 * one by the note with which its caller left. So a job goes home exactly once, and is its caller's again
 * then.
 *
 *   pool.c        opening and closing, the pools of a runtime, looking at them
 *   pool_queue.c  who is taken in, who is next
 *   handover.c    inbox, lock, giving jobs to workers
 *   job.c         running one, and what it may ask and say
 *   worker.c      the threads
 *   offload.c     the caller's side
 *   pool_sim.c    workers in virtual time
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

struct weir__telling;
struct weir__closing;
struct weir__output;
struct weir__task;

/* Something for the holder of the lock to do; the poster owns the storage until it has been read. */
struct weir__note {
    struct weir__note *next;
    void (*read)(struct weir_pool *pool, struct weir__note *note);
};

enum weir__job_state { WEIR__JOB_QUEUED, WEIR__JOB_TAKEN, WEIR__JOB_LEFT };

/* Lies on the caller's stack until it is home. */
struct weir_job {
    /* written by the caller before it is handed over */
    struct weir_pool *pool;
    const char *name;
    int (*fn)(weir_job *job, void *arg); /* or NULL, and each */
    int (*each)(weir_job *job, size_t begin, size_t end, void *arg);
    void *arg;
    struct weir__task *task; /* the caller; NULL: it is a job, namely outer */
    struct weir_job *outer;
    weir_progress *progress;
    struct weir__output *output; /* of a job of a kind */
    uint64_t ticket;             /* the later it came the greater */
    int64_t queued_ns;
    int64_t deadline_ns; /* the caller's */
    int64_t begin_by_ns; /* begun after it, it would be too late */
    int64_t cpu_max_ns;  /* of each worker that it has; 0: no limit */
    int share;
    unsigned workers_max; /* of each */
    size_t count, grain;  /* of each */
    int caller_cpu;       /* where it was handed over */

    struct weir__note submit, leave;
    struct weir__message home;     /* to the caller's loop */
    atomic_int is_home;            /* the futex of a caller that is a job */
    struct weir__timeout timeouts; /* the loop's: fires at begin_by_ns */

    atomic_int state;
    atomic_int cancelled;    /* why nobody wants it any more, or 0 */
    _Atomic(size_t) next;    /* of each: the first index that no worker has yet */
    _Atomic(size_t) done;    /* of each */
    atomic_int failure;      /* of each: the first */
    atomic_llong started_ns; /* 0: not yet */

    /* locked, until it is home */
    struct weir__list node; /* in its share's jobs, then in pool->ended */
    unsigned workers;       /* on it now */
    int64_t ran_ns;
    int result;
    enum weir_job_fate fate;
    atomic_int worker_cpu; /* where the first worker that took it was last */

    int64_t takes_ns; /* under simulation; < 0: not said */
};

/* What both sides wait for each other at most before they sleep, when they are on different cores: a job and
 * its way there and back, if it is short. */
enum { WEIR__SPIN_NS = 10000 };

struct weir__share {
    const char *name;
    int percent;
    int own_places;
    atomic_int places;       /* taken: by jobs that wait or run */
    atomic_int waiting;      /* written locked */
    atomic_llong service_ns; /* of one job, smoothed; written locked */
    struct weir__list jobs;  /* locked: those that wait, who came first first */
    double turn;             /* locked: the work it has been given, in its own measure; see pool_queue.c */
};

enum weir__worker_state {
    WEIR__WORKER_ABSENT,
    WEIR__WORKER_STARTING,
    WEIR__WORKER_IDLE,
    WEIR__WORKER_BUSY,
};

/* Its place lives as long as the pool; threads come and go in it. */
struct weir__worker {
    struct weir_pool *pool;
    int index;
    enum weir__worker_state state; /* locked */
    struct weir__list node;        /* locked: in idle or absent */
    _Atomic(weir_job *) job; /* given by the holder of the lock to an idle worker, taken by the worker */
    atomic_int asleep;       /* a futex; 1: it sleeps, or is about to and will look at job again */
    atomic_bool ends;
    weir_job *running;             /* locked to write; the worker's own to read */
    int64_t begun_ns;              /* locked: when it was given what it runs */
    int64_t charged_ns;            /* locked: for that, to its share, in advance */
    struct weir__list begun;       /* locked: in pool->begun, who began first first */
    atomic_int cpu;                /* where it ran last */
    _Atomic(uint64_t) reads_since; /* see published.c; 0: its job has read nothing that is published */
    /* its own: of a job that has a limit, its thread's time of the CPU when it first asked, -1 before that;
     * and when it can have reached the limit */
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
    struct weir__loop *sim; /* the one loop of a simulation: there are no threads; or NULL */

    _Atomic(struct weir__note *) inbox;
    struct weir__lock lock;
    atomic_int calls, threads; /* that have not returned; and WEIR__POOL_CLOSING */
    atomic_int common;         /* places taken that are nobody's own */
    int common_max;
    atomic_int places;
    atomic_llong service_ns;  /* of one job, smoothed; written locked */
    atomic_llong spread_ns;   /* how far jobs are from that, smoothed; written locked */
    atomic_llong next_end_ns; /* when a worker may be expected to be free; written locked */
    _Atomic(uint64_t) refused[WEIR_REFUSALS];
    _Atomic(uint64_t) taken;
    struct weir__closing *closer; /* written once, before WEIR__POOL_CLOSING */

    /* locked */
    struct weir__list ended; /* jobs to be sent home */
    struct weir__list idle, absent, begun;
    int thread_count, starting;    /* those that are starting count as threads */
    int64_t no_thread_until_ns;    /* none could be had: not tried again before */
    struct weir__telling *telling; /* handover.c's own */
    double turn;                   /* of the share that was served last */
    uint64_t ran, dropped, cancelled;
    weir_meter queued_times, run_times; /* locked to write */

    struct weir__worker *workers;
    size_t share_count; /* with the one of those who have none, number 0 */
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

/* --- pool.c --- */

/* Opens the pools of a runtime whose options are set. */
int weir__pools_open(struct weir_runtime *runtime) __attribute__((warn_unused_result));
/* Ends them; no task of the runtime is left. */
void weir__pools_close(struct weir_runtime *runtime);
int64_t weir__pool_now_ns(const struct weir_pool *pool);
/* One of pool->calls or threads is over; the pool may be gone after it. */
void weir__pool_one_less(struct weir_pool *pool, atomic_int *count);

static inline bool weir__pool_is_closing(struct weir_pool *pool)
{
    return (atomic_load(&pool->calls) & WEIR__POOL_CLOSING) != 0;
}

/* --- pool_queue.c --- */

/* Takes a place for a job that a task asks for, or says why not. *expected_ns: how long it would wait.
 * Returns: 0; -WEIR_EBUSY, -WEIR_ELATE, and why. */
int weir__pool_admit(struct weir_pool *pool, const weir_job *job, enum weir_when_full when_full,
                     int64_t *expected_ns, enum weir_pool_refusal *why);
/* Takes one in any case. */
void weir__pool_admit_always(struct weir_pool *pool, int share);
void weir__pool_give_place(struct weir_pool *pool, int share);
/* How long a job of that share that came now would wait. */
int64_t weir__pool_expected_ns(struct weir_pool *pool, int share, int64_t now_ns);

/* Locked, all of them: */
void weir__queue_add(struct weir_pool *pool, weir_job *job);
void weir__queue_remove(struct weir_pool *pool, weir_job *job);
/* The next to run; those that have come too late are put to pool->ended. NULL: nobody waits. One of
 * weir_offload_each() stays in the queue while more workers are of use to it. */
weir_job *weir__queue_next(struct weir_pool *pool, int64_t now_ns);
/* A job of this share is over, or a worker's part of one. */
void weir__queue_charge(struct weir_pool *pool, int share, int64_t ran_ns);
bool weir__queue_is_empty(const struct weir_pool *pool);
/* Takes a job that is still queued. False: its caller has left. */
bool weir__job_take(weir_job *job);

/* --- handover.c --- */

/* Leaves a note and sees to it that it is read: by the caller, or by who holds the lock. Does not wait. */
void weir__pool_post(struct weir_pool *pool, struct weir__note *note);
/* Reads the notes, gives out what there is, unlocks, and tells all whom it concerns. */
void weir__pool_leave(struct weir_pool *pool);
/* Locked: a job that was TAKEN is over without having run. */
void weir__pool_end_unrun(struct weir_pool *pool, weir_job *job, int result, enum weir_job_fate fate);
/* A worker has run a job, or its part of one, and looks for the next. */
void weir__pool_finish(struct weir__worker *worker, weir_job *job, int result, int64_t ran_ns);
/* A thread has begun, with or without a job. */
void weir__pool_ready(struct weir__worker *worker);
/* An idle worker asks to end. False: it was given something meanwhile. */
bool weir__pool_retire(struct weir__worker *worker) __attribute__((warn_unused_result));
/* Locked: all that is queued is refused. */
void weir__pool_empty(struct weir_pool *pool, int result, enum weir_pool_refusal why);
void weir__note_submit(struct weir_pool *pool, struct weir__note *note);
void weir__note_leave(struct weir_pool *pool, struct weir__note *note);

/* --- job.c --- */

/* Runs fn, or one range of each. True: there may be more to do of it. */
bool weir__job_step(weir_job *job, int *result);
/* The outcome of a job whose last step gave result. */
int weir__job_result(weir_job *job, int result);

/* --- worker.c --- */

int weir__worker_start(struct weir__worker *worker) __attribute__((warn_unused_result));
void weir__worker_wake(struct weir__worker *worker);
/* Has all threads of a pool end, which nobody calls any more. */
void weir__workers_end(struct weir_pool *pool);
/* Waits for them. */
void weir__workers_join(struct weir_pool *pool);

/* --- pool_sim.c --- */

/* The worker, a fiction, runs the job it was given: after a virtual time; for a job within a job now. */
void weir__sim_worker_begin(struct weir__worker *worker);

/* --- offload.c --- */

void weir__job_send_home(weir_job *job);
/* Offloads a job filled in by its caller: fn, arg, name, pool. */
int weir__offload(weir_job *job, const weir_offload_options *options);

#endif
