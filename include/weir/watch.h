/* SPDX-License-Identifier: MIT */
/* The watch: names whatever holds a loop, while it holds it.
 *
 * It is always on (see weir_options): a thread of its own looks at every loop of a weir_run(). What runs for
 * longer than stall_after, without a wait, is a stall, and of one of these kinds:
 *
 *     computing   it used the CPU: weir_offload() it
 *     blocked     it slept in a call to the kernel: there is a call of Weir's that waits instead
 *     starved     it could have run and was not given the CPU: others had it
 *     throttled   the same, because the control group had used up its quota
 *
 * Only the first two are the fault of what runs. Who can't be convicted of one of them is not accused of it:
 * a stall that is over before its kind is certain is left out.
 *
 * Threading: what was found may be read by any thread, also while a loop is held: no loop is asked. The texts
 * in a record are lent for the call they are given to; those in frames live as long as the runtime.
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

enum weir_stall_kind {
    WEIR_STALL_COMPUTING,
    WEIR_STALL_BLOCKED,
    WEIR_STALL_STARVED,
    WEIR_STALL_THROTTLED,
    WEIR_STALL_KINDS
};

/* "computing" …
 * Owns:    static.
 * Returns: never NULL.
 * Where:   any thread.
 */
const char *weir_stall_kind_text(enum weir_stall_kind kind);

/* One place that held a loop, once or often. A place is a kind, a route, and a function of the program; of
 * those starved and throttled it is the loop. */
typedef struct weir_stall {
    enum weir_stall_kind kind;
    int loop;
    const char *task;          /* its name; that of the loop itself, for timers and what is called back */
    const char *route;         /* it worked for; or NULL */
    const char *scope;         /* the tasks around it, and itself: "server > GET /report" */
    weir_frame spawned_at;     /* function NULL: not known */
    const weir_frame *frames;  /* where it was, the innermost first */
    size_t frame_count;        /* 0: the stack could not be had */
    const char *hint;          /* what to write instead; or NULL */
    bool ongoing;              /* and held is so far */
    weir_duration held;        /* the last time */
    weir_duration held_max;    /* the longest time */
    uint64_t count;            /* so often */
    int64_t first_ns, last_ns; /* when, by the wall clock, in nanoseconds since 1970 */
} weir_stall;

/* Calls fn for each place that is remembered, the latest first. There is room for 64; the one that was least
 * lately seen goes.
 * Owns:    what fn is given is a copy, until it returns.
 * Returns: the first value of fn that is not 0, which ends it; else 0; -ENOMEM.
 * Where:   any thread while the runtime runs. Does not hold up its loops.
 */
int weir_stalls_each(weir_runtime *runtime, int (*fn)(void *arg, const weir_stall *stall), void *arg);

/* How often loops were held while they ran what works for a route; sums that are never forgotten. */
typedef struct weir_stall_total {
    enum weir_stall_kind kind;
    const char *route; /* NULL: for none; "other": one of those for which there was no room among 256 */
    uint64_t count;
    weir_duration held;
} weir_stall_total;

/* Calls fn for each route and kind that there was.
 * Owns:    what fn is given is lent until it returns.
 * Returns: as weir_stalls_each().
 * Where:   any thread while the runtime runs. Does not hold up its loops.
 */
int weir_stalls_total(weir_runtime *runtime, int (*fn)(void *arg, const weir_stall_total *total), void *arg);

#ifdef __cplusplus
}
#endif
#endif
