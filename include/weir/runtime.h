/* SPDX-License-Identifier: MIT */
/* The runtime: loops, each on a thread of its own, and how they are started and ended.
 *
 * Threading: weir_run() is called on a thread that is no loop; that thread becomes loop 0. Loops share
 * nothing but what you share; a task calls another loop with weir_loop_call(). Other threads come in by
 * weir_post(), weir_runtime_stop() and the mailboxes of <weir/mailbox.h>.
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
    WEIR_IO_AUTO,  /* WEIR_IO=uring|epoll in the environment; without it io_uring where it is allowed,
                      otherwise epoll */
    WEIR_IO_URING, /* fails if io_uring is not available */
    WEIR_IO_EPOLL,
    WEIR_IO_SIM, /* a simulated kernel: virtual time, an in-memory network, one loop; the same seed gives the
                    same run. Each seed but 1 has an order of its own for ready tasks and for timers of one
                    instant; seed 1 has that of real loops. */
};

struct weir_resolver_options;
struct weir_stall;

/* What happens when a stall is found (see <weir/watch.h>), besides keeping it. */
enum weir_stall_then {
    WEIR_STALL_LOG,   /* a line in the log; repetitions are logged less and less often */
    WEIR_STALL_ABORT, /* a line in the log, and abort() if the code that runs is at fault: for tests */
};

/* Options of a runtime. All zero is a sensible choice. This structure and all others of options grow within
 * their reserved bytes, so that a program runs with a later library (docs/abi.md): a field that is not named
 * when the structure is initialised is zero, and zero means the default. Reserved bytes that are not zero are
 * -EINVAL. */
typedef struct weir_options {
    int loops;          /* 0: one */
    enum weir_io io;    /* the kernel interface */
    uint64_t seed;      /* of weir_random and of the simulation; 0: from the system, under simulation 1 */
    size_t stack_bytes; /* of each task, including the guard page; 0: 64 KiB. A multiple of the page size. */
    size_t tasks_max;   /* on each loop; 0: 2 000 000 */
    bool log_json;      /* weir_log() writes JSON lines instead of text, on the threads of this runtime */
    enum weir_log_level log_level; /* lines below it are not written; 0: WEIR_LOG_INFO */
    int log_fd; /* descriptor that the lines of this runtime are written to; duplicated, so it may be
                   closed; 0: stderr */
    /* Called with each line of this runtime instead of writing it: line ends with a NUL, without a newline,
     * and is lent. Calls follow each other on a thread of the log, which may wait without holding a loop;
     * under simulation the call is made by the thread that logs. The last call returns before weir_run()
     * does. log_sink must not call libweir. NULL: lines are written to log_fd. */
    void (*log_sink)(void *arg, enum weir_log_level level, const char *line, size_t length);
    void *log_sink_arg;
    const struct weir_pool_options *pools; /* see <weir/pool.h>: further pools, and options of compute and
                                              blocking; lent until weir_run() returns */
    size_t pool_count;
    weir_duration stall_after; /* how long a task may hold its loop before the watch reports it; 0: 10 ms; at
                                  least 1 ms; negative: no watch. Under simulation there is no watch. */
    enum weir_stall_then stall_then;
    /* Called for each stall when it is found, mostly while it lasts, on the thread of the watch, which
     * observes nothing else during the call. NULL: not called. */
    void (*on_stall)(void *arg, const struct weir_stall *stall);
    void *on_stall_arg;
    const struct weir_resolver_options *resolver; /* how names become addresses, see <weir/resolver.h>: lent,
                                                     with all it points to, until weir_run() returns; NULL: as
                                                     the system says */
    struct weir_shared *shared; /* what backends of one name have in common lies there, so that their maxima
                                   are those of all processes together, and so do the keys of TLS tickets, see
                                   <weir/shared.h>; lent until weir_run() returns; NULL: they are this
                                   runtime's */
    unsigned char reserved[48]; /* for later versions; zero */
} weir_options;

/* Runs fn(arg) as the first task, on loop 0, and returns when fn, and everything it started, has ended.
 * Owns:    options and arg are lent.
 * Returns: what fn returned. Before fn ran: -EINVAL options out of range or two that
 *          contradict each other, -EBADF log_fd is no descriptor, -ENOSYS or -EPERM the requested
 *          kernel interface is not available, -ENOMEM, -EMFILE, -EAGAIN no thread; -EBUSY this thread is in
 *          a weir_run() already. -EDEADLK: nothing could ever happen again, and every wait was made to fail
 *          with that code (simulation only).
 * Where:   a thread that is no loop. Several threads may each run a runtime of their own.
 */
int weir_run(const weir_options *options, int (*fn)(void *arg), void *arg) WEIR_CHECKED;

/* A handle to a running runtime, for other threads. */
typedef struct weir_runtime weir_runtime;

/* Returns the runtime of the calling task.
 * Owns:    valid until weir_run() returns. A call of another thread must have begun by then; one that is
 *          in progress is waited for.
 * Returns: never NULL.
 * Where:   task. Does not wait.
 */
weir_runtime *weir_runtime_here(void);

/* Returns the seed of a runtime: weir_options.seed, or what was drawn from the system instead.
 * Owns:    nothing.
 * Returns: never 0, except as drawn.
 * Where:   any thread while the runtime runs. Does not wait.
 */
uint64_t weir_runtime_seed(const weir_runtime *runtime);

/* Counts the loops; they are numbered from 0.
 * Returns: >= 1.
 * Where:   task.
 */
int weir_loop_count(void);

/* Returns the number of the loop that the calling task is on.
 * Returns: 0 … weir_loop_count() - 1.
 * Where:   task.
 */
int weir_loop_index(void);

/* Names the kernel interface that this loop uses.
 * Returns: "uring", "epoll" or "sim".
 * Where:   task. Does not wait.
 */
const char *weir_loop_io(void);

/* Runs fn(arg) as a task on another loop (or this one) and waits for it.
 * Owns:    arg is lent to fn until the function returns; meanwhile the caller uses it only as fn allows.
 *          name: as weir_spawn().
 * Returns: what fn returned; -ENOMEM no task could be made there; -WEIR_ECANCELED or -WEIR_EDEADLINE before
 *          it started.
 * Cancel:  is passed on to the task there; the call returns when that task has ended, with its result.
 * Where:   task. Waits.
 */
int weir_loop_call(int loop, const char *name, int (*fn)(void *arg), void *arg) WEIR_CHECKED;

enum { WEIR_POSTS_MAX = 65536 };

/* Starts fn(arg) as a task on a loop, from any thread. The task belongs to the runtime: weir_run() returns
 * after it has ended. When the first task has returned, further posts are refused, and the scopes of posted
 * tasks are cancelled. What fn returns is dropped.
 * Owns:    name is lent while the task lives: a literal. arg is passed to fn unchanged.
 * Returns: 0: fn runs, exactly once, even if the runtime is ending meanwhile: all its waits fail then, and fn
 *          can free what belongs to arg. Otherwise fn never runs: -WEIR_EBUSY WEIR_POSTS_MAX posts to this
 * loop have not begun; -WEIR_ECLOSED the first task has returned; -EINVAL the loop does not exist; -ENOMEM.
 * Where:   any thread while the runtime runs, jobs and tasks included; not a signal handler. Under simulation
 *          a task or a job. Does not wait.
 */
int weir_post(weir_runtime *runtime, int loop, const char *name, int (*fn)(void *arg),
              void *arg) WEIR_CHECKED;

/* Cancels the first task: each of its waits fails with -WEIR_ECANCELED, and so does all that it has started
 * in scopes. weir_run() returns when the first task has returned, with its result. Further calls do nothing.
 * Where:   any thread while the runtime runs; not a signal handler. Under simulation a task or a job. Does
 * not wait.
 */
void weir_runtime_stop(weir_runtime *runtime);

/* Counts the tasks that are ready to run on a loop, for choosing the least busy loop.
 * Returns: the number; a moment old.
 * Where:   task.
 */
size_t weir_loop_ready(int loop);

/* --- statistics of loops, from any thread --- */

/* Statistics of a loop; sums since it began. 7 KiB. */
typedef struct weir_loop_stats {
    size_t tasks, ready; /* tasks alive and tasks ready to run, as of the latest turn */
    uint64_t started;    /* tasks started */
    weir_duration up;    /* time since it began */
    weir_duration slept; /* time asleep, with nothing to do */
    weir_duration cpu;   /* CPU time of its thread */
    weir_meter lag;      /* how late the loop was: see weir_loop_stats_get() */
} weir_loop_stats;

/* Reads the statistics of a loop.
 *
 * Lag is sampled about a thousand times a second: how long something that becomes ready at that instant
 * (bytes that arrive, a timer that expires) waits until the loop looks for it; 0 while the loop sleeps. The
 * lag of a loop that is being held shows once the loop continues. To find how busy a loop was between two
 * readings, take the greater of two shares of `up`: the time it did not sleep, and the time its thread was on
 * a CPU. Both are needed because some sleeps begin with work in the kernel.
 *
 * Owns:    stats is the caller's.
 * Returns: 0; -EINVAL the loop does not exist: loops are numbered from 0.
 * Where:   any thread while the runtime runs; under simulation a task. Does not block the loop.
 */
int weir_loop_stats_get(weir_runtime *runtime, int loop, weir_loop_stats *stats);

/* Signals that a task waits for. From open to close they replace the process's own action for these
 * signals. Each signal can be caught by one weir_signals in the process at a time. */
typedef struct weir_signals {
    unsigned char storage[64] __attribute__((aligned(16)));
} weir_signals;

/* Begins to catch signals.
 * Owns:    signals is the caller's storage, lent until closed.
 * Returns: 0; -EINVAL a signal that cannot be caught; -EBUSY one of them is being caught already.
 * Where:   task. Does not wait.
 */
int weir_signals_open(weir_signals *signals, const int *numbers, size_t count) WEIR_CHECKED;

/* Waits for a signal. A signal that arrived since the last wait, or since open, is returned; if it arrived
 * several times, once.
 * Returns: its number; -WEIR_ECANCELED, -WEIR_EDEADLINE.
 * Cancel:  ends the wait at once; no signal is lost by it.
 * Where:   the task that opened signals. Waits.
 */
int weir_signals_wait(weir_signals *signals) WEIR_CHECKED;

/* Restores the previous actions.
 * Where:   the task that opened signals. Does not wait.
 */
void weir_signals_close(weir_signals *signals);

#ifdef __cplusplus
}
#endif
#endif
