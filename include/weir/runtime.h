/* SPDX-License-Identifier: MIT */
/* The runtime: one loop for each thread, and the way in and out.
 *
 * Threading: weir_run() is called from a thread that is no loop and lends that thread to loop 0. Loops share
 * nothing but what you share; a task calls into another loop with weir_loop_call().
 */
#ifndef WEIR_RUNTIME_H
#define WEIR_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/log.h>
#include <weir/meter.h>
#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

enum weir_io {
    WEIR_IO_AUTO,  /* WEIR_IO=uring|epoll in the environment; else io_uring where it is allowed, else epoll */
    WEIR_IO_URING, /* or fail */
    WEIR_IO_EPOLL,
    WEIR_IO_SIM, /* a simulated kernel: virtual time, an in-memory network, one loop; the same seed is the
                    same run */
};

struct weir_stall;

/* What becomes of a stall, see <weir/watch.h>, beside being remembered. */
enum weir_stall_then {
    WEIR_STALL_LOG,   /* a line in the log, and less and less often one when it happens again */
    WEIR_STALL_ABORT, /* a line, and abort() when it is the fault of what runs: for tests */
};

/* All zero is a sensible choice. */
typedef struct weir_options {
    int loops;          /* 0: one */
    enum weir_io io;    /* the kernel interface */
    uint64_t seed;      /* of weir_random and of the simulation; 0: from the system, under simulation 1 */
    size_t stack_bytes; /* of each task, the guard page included; 0: 64 KiB. A multiple of the page size. */
    size_t tasks_max;   /* on each loop; 0: 2 000 000 */
    bool log_json;      /* weir_log() writes JSON lines instead of text, in the threads of this runtime */
    enum weir_log_level log_level;         /* lines below it are not written; 0: WEIR_LOG_INFO */
    const struct weir_pool_options *pools; /* see <weir/pool.h>: further pools, and what compute and blocking
                                              are like; lent until it returns */
    size_t pool_count;
    weir_duration stall_after; /* how long a task may hold its loop before the watch tells of it; 0: 10 ms; at
                                  least 1 ms; negative: there is no watch. Under simulation there is none. */
    enum weir_stall_then stall_then;
    /* Told of each stall as it is found, mostly while it lasts, on the thread of the watch, which looks at
     * nothing else meanwhile. Or NULL. */
    void (*on_stall)(void *arg, const struct weir_stall *stall);
    void *on_stall_arg;
} weir_options;

/* Runs fn(arg) as the first task, on loop 0, and returns when it, and all it started, has ended.
 * Owns:    options and arg are lent.
 * Returns: what fn returned; before fn ran: -EINVAL options out of range, -ENOSYS or -EPERM the kernel
 *          interface asked for can't be had, -ENOMEM, -EMFILE, -EAGAIN no thread; -EBUSY this thread is in
 *          a weir_run() already. -EDEADLK: nothing could ever happen again, and every wait was made to fail
 *          with that (simulation only).
 * Where:   a thread that is no loop. Several threads may each run a runtime of their own.
 */
int weir_run(const weir_options *options, int (*fn)(void *arg), void *arg) WEIR_CHECKED;

/* The loops of one weir_run() and all that is on them, for who looks at them from another thread. */
typedef struct weir_runtime weir_runtime;

/* The runtime of this task.
 * Owns:    it lives until weir_run() returns; whoever hands it to another thread sees to it that this one has
 *          ended by then.
 * Returns: never NULL.
 * Where:   task. Does not wait.
 */
weir_runtime *weir_runtime_here(void);

/* Number of loops; they are numbered from 0.
 * Returns: >= 1.
 * Where:   task.
 */
int weir_loop_count(void);

/* The loop this task is on.
 * Returns: 0 … weir_loop_count() - 1.
 * Where:   task.
 */
int weir_loop_index(void);

/* The kernel interface this loop uses.
 * Returns: "uring", "epoll" or "sim".
 * Where:   task. Does not wait.
 */
const char *weir_loop_io(void);

/* Runs fn(arg) as a task on another loop (or this one) and waits for it.
 * Owns:    arg is lent to fn until this returns; the caller touches it no more than fn allows. name: as
 *          weir_spawn().
 * Returns: what fn returned; -ENOMEM no task could be made there; -WEIR_ECANCELED or -WEIR_EDEADLINE before
 *          it began.
 * Cancel:  is passed on to the task there; this returns when that has ended, with what it returned.
 * Where:   task. Waits.
 */
int weir_loop_call(int loop, const char *name, int (*fn)(void *arg), void *arg) WEIR_CHECKED;

/* How busy a loop is, to choose the one with least to do.
 * Returns: tasks ready to run there; a moment old.
 * Where:   task.
 */
size_t weir_loop_ready(int loop);

/* --- looking at loops, from any thread --- */

/* What a loop is like; sums since it began. 7 KiB. */
typedef struct weir_loop_stats {
    size_t tasks, ready; /* now, as of the latest turn: alive, and ready to run */
    uint64_t started;    /* tasks */
    weir_duration up;    /* since it began */
    weir_duration slept; /* of that, with nothing to do */
    weir_duration cpu;   /* of that, its thread on a CPU */
    weir_meter lag;      /* how late it was: see weir_loop_read() */
} weir_loop_stats;

/* Reads a loop. Its lag is taken about a thousand times a second: how long what became ready at that instant
 * (bytes that came, a timer that ran out) waited until the loop looked for it; 0 while it slept. Of a loop
 * that is being held the lag is seen once it goes on. How busy it was between two readings: the greater of
 * the shares of `up` that it did not sleep and that it was on a CPU, because some sleeps begin with work in
 * the kernel.
 * Owns:    stats is the caller's.
 * Returns: 0; -EINVAL there is no such loop: they are numbered from 0.
 * Where:   any thread while the runtime runs; under simulation a task. Does not hold up the loop.
 */
int weir_loop_read(weir_runtime *runtime, int loop, weir_loop_stats *stats);

/* Signals as something to wait for. From open to close the process's own action for them is set aside. One at
 * a time for each signal in the process. */
typedef struct weir_signals {
    unsigned char storage[64] __attribute__((aligned(16)));
} weir_signals;

/* Begins to catch these signals.
 * Owns:    signals is the caller's storage, lent until closed.
 * Returns: 0; -EINVAL a number that can't be caught; -EBUSY one of them is being caught already.
 * Where:   task. Does not wait.
 */
int weir_signals_open(weir_signals *signals, const int *numbers, size_t count) WEIR_CHECKED;

/* Waits for one of them. One that came since the last wait, or since open, counts; the same one several times
 * counts once.
 * Returns: its number; -WEIR_ECANCELED, -WEIR_EDEADLINE.
 * Cancel:  ends the wait at once; no signal is lost by it.
 * Where:   the task that opened it. Waits.
 */
int weir_signals_wait(weir_signals *signals) WEIR_CHECKED;

/* Restores what was before.
 * Where:   the task that opened it. Does not wait.
 */
void weir_signals_close(weir_signals *signals);

#ifdef __cplusplus
}
#endif
#endif
