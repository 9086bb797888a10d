/* SPDX-License-Identifier: MIT */
/* A job: from its caller to a worker and back.
 *
 * The life of a job is in `state`: QUEUED, until either the pool takes it (TAKEN) or its caller leaves
 * (LEFT); one of the two exchanges wins. A TAKEN job is sent home by the worker that ran it, a LEFT one by
 * the note with which its caller left. So a job goes home exactly once, and is its caller's again then.
 *
 * Threading: each field belongs to the side that its comment names. "locked": the holder of pool->lock.
 */
#ifndef WEIR__POOL_JOB_H
#define WEIR__POOL_JOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/pool.h>

#include "base/list.h"
#include "core/loop.h"

struct weir__output;
struct weir__task;

/* A note to the holder of the pool's lock; the poster owns the storage until it has been read. */
struct weir__note {
    struct weir__note *next;
    void (*read)(struct weir_pool *pool, struct weir__note *note);
};

enum weir__job_state { WEIR__JOB_QUEUED, WEIR__JOB_TAKEN, WEIR__JOB_LEFT };

/* Lies on the caller's stack until it is home. */
struct weir_job {
    /* written by the caller before the hand-over */
    struct weir_pool *pool;
    const char *name;
    int (*fn)(weir_job *job, void *arg); /* or NULL, and each */
    int (*each)(weir_job *job, size_t begin, size_t end, void *arg);
    void *arg;
    struct weir__task *task; /* the caller; NULL: the caller is a job, namely outer */
    struct weir_job *outer;
    weir_progress *progress;
    struct weir__output *output; /* of a job of a kind */
    uint64_t ticket;             /* the greater, the later the job came */
    int64_t queued_ns;
    int64_t deadline_ns; /* the caller's */
    int64_t begin_by_ns; /* a job that begins later is dropped */
    int64_t cpu_max_ns;  /* of each worker it has; 0: no limit */
    int share;
    unsigned workers_max; /* of each */
    size_t count, grain;  /* of each */
    int caller_cpu;       /* the CPU on which it was handed over */

    struct weir__note submit, leave;
    struct weir__message home;          /* to the caller's loop */
    atomic_int is_home;                 /* the futex of a caller that is a job */
    struct weir__timeout queue_timeout; /* the loop's: fires at begin_by_ns */

    atomic_int state;
    atomic_int cancelled;    /* why the job is no longer wanted, or 0 */
    _Atomic(size_t) next;    /* of each: the first index that no worker has yet */
    _Atomic(size_t) done;    /* of each */
    atomic_int failure;      /* of each: the first */
    atomic_llong started_ns; /* 0: not yet */

    /* locked, until it is home */
    struct weir__list node; /* in its share's jobs, then in pool->ended */
    unsigned workers;       /* workers on it now */
    int64_t ran_ns;
    int result;
    enum weir_job_fate fate;
    atomic_int worker_cpu; /* the last CPU of the first worker that took it */

    int64_t takes_ns; /* under simulation; < 0: not said */
};

/* Runs fn, or one range of each. Returns: true: there may be more of it to do. */
bool weir__job_step(weir_job *job, int *result);
/* Returns: the outcome of a job whose last step gave result. */
int weir__job_result(weir_job *job, int result);

#endif
