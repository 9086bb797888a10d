/* SPDX-License-Identifier: MIT */
/* The inside of the watch. Included by its files alone.
 *
 * Threading: the holder of the loop's lock, which is mostly the watch's thread.
 *
 * Each file uses only files above it:
 *
 *     watch_slice.c     the slice a loop is in, and what its thread has spent so far
 *     watch_probe.c     the registers and the stack of a loop's thread
 *     watch_describe.c  a stall in words: task, scopes, route, named frames
 *     watch_tell.c      reports a stall to the table of places, the hook and the log
 *     watch_look.c      one look at a loop: decides whether its slice is a stall
 *     watch.c           the thread: when to look, at which loop
 *     watch_stack.c     the stack of a running task, for the task tree
 */
#ifndef WEIR__WATCH_WATCH_INSIDE_H
#define WEIR__WATCH_WATCH_INSIDE_H

#include <pthread.h>

#include "base/heartbeat.h"
#include "core/account/off_cpu.h"
#include "core/loop.h"
#include "core/runtime.h"
#include "watch/capture.h"
#include "watch/stall.h"
#include "watch/thread_state.h"
#include "watch/verdict.h"

/* So long a running thread has to answer a signal before the next loop is looked at. */
enum { WEIR__WATCH_ANSWER_NS = 200000 };

/* One loop. */
struct weir__watched {
    pthread_mutex_t lock; /* held during a look, which takes long when frames are named */
    struct weir__loop *loop;
    struct weir__thread_state_files files;
    struct weir__off_cpu off_cpu;
    struct weir__capture capture;
    int64_t next_ns; /* when to look again */
    unsigned quiet;  /* the latest looks in a row that found the loop in one and the same sleep */
    struct weir__evidence evidence; /* at the latest look */
    bool was_asleep;                /* at the latest look */
    /* The slice at the latest look. */
    _Atomic uint32_t *runner;
    uint32_t run;
    bool exact;
    bool same;        /* seen by two looks */
    int64_t began_ns; /* not exact: when it was first seen */
    uint64_t began_ticks;
    struct weir__evidence before, first;
    int64_t asked_cpu_ns; /* the thread's CPU time when it was last asked for its stack */
    bool reported;        /* the slice is a stall, and has been reported */
    bool dismissed;       /* reported as starved or throttled; may still turn out computing or blocked */
    int64_t retry_ns;     /* if dismissed: the slice is judged again when it has lasted this long */
    uint64_t key;         /* if reported: of its place */
    int64_t held_ns;      /* at the latest look */
    bool log_due;         /* the log line is written when the stall ends, or has lasted some more */
};

struct weir__watch {
    struct weir_runtime *runtime;
    int64_t after_ns;
    pthread_t thread;
    atomic_int bell; /* 1: there is something new to look at */
    atomic_bool stops;
    struct weir__peek peek;
    pthread_mutex_t lock;         /* held for moments; the lock of one loop may be taken under it */
    struct weir__watched **loops; /* by number; NULL: has not entered, or has left; under lock */
    pthread_mutex_t log_lock;     /* the last in the order of locks */
    int64_t log_window_ns;        /* start of the window in which lines are counted; under log_lock */
    int logged;                   /* lines in that window */
};

/* The state of a loop's thread, and its stack. */
struct weir__thread_probe {
    bool running, blocked;
    struct weir__thread_state state;
    struct weir__registers registers;
    bool has_stack;
};

/* The loop with that number, which stays until weir__watch_release(). NULL: it has not entered, or has left.
 */
struct weir__watched *weir__watch_hold(struct weir__watch *w, int loop);
void weir__watch_release(struct weir__watched *x);

/* --- watch_slice.c --- */

/* Whether the loop is still in the same slice. */
bool weir__watch_is_same(struct weir__watched *x);

/* Reads the heartbeat. Returns: false: the loop has moved on meanwhile. */
bool weir__watch_see(struct weir__loop *loop, struct weir__heartbeat_view *view);

/* What the thread has spent up to now; continues the sums of x->evidence. */
struct weir__evidence weir__watch_read_evidence(struct weir__watched *x);
int64_t weir__watch_cpu_ns(const struct weir__watched *x);

/* Starts over with the slice of view. */
void weir__watch_begin_slice(struct weir__watched *x, const struct weir__heartbeat_view *view,
                             const struct weir__evidence *evidence);

/* --- watch_probe.c --- */

/* Takes the registers and the stack by a signal. Returns: false: the thread has not answered yet. */
bool weir__watch_probe_running(const struct weir__watch *w, struct weir__watched *x, int64_t held_ns,
                               struct weir__thread_probe *out);

/* Takes the stack from outside. blocked is set when the thread is in the same call a little later: a thread
 * that only passes through a call, or is being woken, does not block. */
void weir__watch_probe_sleeping(const struct weir__watch *w, struct weir__watched *x,
                                struct weir__thread_probe *out);

/* One attempt to take the registers of a task that runs on the loop; its stack is then in x->capture. */
bool weir__watch_probe_task(const struct weir__watch *w, struct weir__watched *x,
                            const struct weir__task *task, struct weir__registers *out);

/* Sleeps for the time after which a second look at a sleeping thread says something. */
void weir__watch_pause(void);

/* --- watch_describe.c --- */

/* Describes the stall of the present slice. Returns: false: the loop has moved on meanwhile. */
bool weir__watch_describe(struct weir__watch *w, struct weir__watched *x, enum weir_stall_type kind,
                          const struct weir__thread_probe *probe, struct weir__stall *out);

/* --- watch_tell.c --- */

/* Reports the present slice as a stall of that kind. */
void weir__watch_tell(struct weir__watch *w, struct weir__watched *x, enum weir_stall_type kind,
                      const struct weir__thread_probe *probe);
/* A reported stall lasts, for held_ns now; or has ended. */
void weir__watch_goes_on(struct weir__watch *w, struct weir__watched *x, int64_t held_ns);
void weir__watch_ended(struct weir__watch *w, struct weir__watched *x);

/* --- watch_look.c --- */

/* Looks at a loop; sets when to look again. */
void weir__watch_look(struct weir__watch *w, struct weir__watched *x);

#endif
