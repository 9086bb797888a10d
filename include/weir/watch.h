/* SPDX-License-Identifier: MIT */
/* The watch: reports what holds a loop, while it holds it.
 *
 * It is on by default (see weir_options): a thread of its own observes every loop of a weir_run(). Code
 * that runs longer than stall_after, without a wait, is a stall of one of these types:
 *
 *     computing   it used the CPU: use weir_offload()
 *     blocked     it slept in a system call: use the function of Weir that waits instead
 *     starved     it was ready to run but did not get the CPU, because other threads had it
 *     throttled   the same, because the cgroup had used up its quota
 *
 * Only the first two are the fault of the code that runs. If the cause is not certain when a stall ends,
 * the stall is not reported.
 *
 * Threading: stalls may be read from any thread, also while a loop is held: no loop is asked. The texts in
 * a record are lent for the call they are passed to; those in its frames live as long as the runtime.
 */
#ifndef WEIR_WATCH_H
#define WEIR_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/frame.h>
#include <weir/runtime.h>
#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

enum weir_stall_type {
    WEIR_STALL_COMPUTING,
    WEIR_STALL_BLOCKED,
    WEIR_STALL_STARVED,
    WEIR_STALL_THROTTLED,
    WEIR_STALL_TYPES
};

/* Names a type of stall: "computing" …
 * Owns:    static.
 * Returns: never NULL.
 * Where:   any thread.
 */
const char *weir_stall_type_name(enum weir_stall_type type);

/* A place that held a loop, once or often. Of computing and blocked, a place is a type, a route, and a
 * function of the program; of starved and throttled, a type and a loop. */
typedef struct weir_stall {
    enum weir_stall_type type;
    int loop;
    const char *task;  /* its name; for timers and callbacks, the name of the loop itself */
    const char *route; /* that the task worked for; or NULL */
    const char
        *task_path; /* the enclosing tasks, outermost first, and the task itself: "server > GET /report" */
    weir_frame spawned_at;     /* function NULL: unknown */
    const weir_frame *stack;   /* where the code was, innermost first */
    size_t stack_depth;        /* 0: the stack could not be read */
    const char *hint;          /* what to write instead; or NULL */
    bool ongoing;              /* the stall is still in progress; held is its length so far */
    weir_duration held;        /* the latest stall */
    weir_duration held_max;    /* the longest stall */
    uint64_t count;            /* number of stalls */
    int64_t first_ns, last_ns; /* by the wall clock, in nanoseconds since 1970 */
} weir_stall;

/* Calls fn for each place that is kept, the latest first. There is room for 64 places; beyond, the place
 * seen least recently is forgotten.
 * Owns:    what fn is given is a copy, valid until it returns.
 * Returns: the first value of fn that is not 0, which ends the iteration; otherwise 0; -ENOMEM.
 * Where:   any thread while the runtime runs. Does not block its loops.
 */
int weir_stalls_each(weir_runtime *runtime, int (*fn)(void *arg, const weir_stall *stall), void *arg);

/* Stalls of one route and type; sums that are never forgotten. */
typedef struct weir_stall_total {
    enum weir_stall_type type;
    const char *route; /* NULL: no route; "other": a route beyond the 256 for which there is room */
    uint64_t count;
    weir_duration held;
} weir_stall_total;

/* Calls fn for the totals of each route and type of stall that has occurred.
 * Owns:    what fn is given is lent until it returns.
 * Returns: as weir_stalls_each().
 * Where:   any thread while the runtime runs. Does not block its loops.
 */
int weir_stall_totals_each(weir_runtime *runtime, int (*fn)(void *arg, const weir_stall_total *total),
                           void *arg);

#ifdef __cplusplus
}
#endif
#endif
