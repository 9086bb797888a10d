/* SPDX-License-Identifier: MIT */
/* What the files of the watch share. Threading: whoever holds the loop's lock: mostly the watch's thread.
 *
 *     watch.c        the thread: when to look, at which loop
 *     watch_look.c   one loop: what its slice is, and whether it is a stall
 *     watch_tell.c   a stall: who, where, since when; to the places, the hook, the log
 */
#ifndef WEIR__WATCH_WATCH_INSIDE_H
#define WEIR__WATCH_WATCH_INSIDE_H

#include <pthread.h>

#include "watch/capture.h"
#include "watch/verdict.h"
#include "core/account/off_cpu.h"
#include "core/runtime.h"
#include "watch/stall.h"
#include "watch/watch.h"
#include "watch/thread_state.h"

/* One loop. */
struct weir__watched {
    pthread_mutex_t lock; /* held while it is looked at, which takes long when names are looked for */
    struct weir__loop *loop;
    struct weir__thread_state_files files;
    struct weir__off_cpu off_cpu;
    struct weir__capture capture;
    int64_t next_ns;                /* when to look again */
    unsigned quiet;                 /* looks in a row that found it asleep, in the same sleep */
    struct weir__evidence evidence; /* at the last look */
    bool was_asleep;                /* then */
    /* The slice it was in then. */
    _Atomic uint32_t *runner;
    uint32_t run;
    bool exact;
    bool same;        /* seen twice */
    int64_t began_ns; /* not exact: when it was first seen */
    uint64_t began_ticks;
    struct weir__evidence before, first;
    int64_t asked_cpu_ns; /* what its thread had had of the CPU as it was last asked for its stack */
    bool told;            /* it is a stall, and everybody knows */
    bool dismissed;       /* told of as starved or throttled: what it does later may still be a fault */
    int64_t retry_ns;     /* then: so long held it is judged again */
    uint64_t key;         /* of its place, then */
    int64_t held_ns;      /* as last seen */
    bool log_due;         /* the line is written when it ends, or has lasted some more */
};

struct weir__watch {
    struct weir_runtime *runtime;
    int64_t after_ns;
    pthread_t thread;
    atomic_int bell; /* 1: there is something new to look at */
    atomic_bool stops;
    struct weir__peek peek;
    pthread_mutex_t lock;         /* held for moments; one loop's own lock may be taken under it */
    struct weir__watched **loops; /* by number; NULL: it has not entered, or has left; under the lock */
    pthread_mutex_t log_lock;     /* the last to be taken */
    int64_t log_window_ns;        /* lines are counted since then: there is a most; under log_lock */
    int logged;
};

/* A stack, and what state the thread was in. */
struct weir__task_viewing {
    bool running, blocked;
    struct weir__thread_state where;
    struct weir__registers registers;
    bool has_stack;
};

/* The loop with that number, which stays until it is released. NULL: it has not entered, or has left. */
struct weir__watched *weir__watch_hold(struct weir__watch *w, int loop);
void weir__watch_release(struct weir__watched *x);

/* Whether the loop is in the same slice still. */
bool weir__watch_is_same(struct weir__watched *x);

/* Looks at a loop; sets when to look again. */
void weir__watch_look(struct weir__watch *w, struct weir__watched *x);

/* The slice is a stall of that kind. */
void weir__watch_tell(struct weir__watch *w, struct weir__watched *x, enum weir_stall_kind kind,
                      const struct weir__task_viewing *view);
/* It has been told of and lasts, for so long now, or has ended. */
void weir__watch_goes_on(struct weir__watch *w, struct weir__watched *x, int64_t held_ns);
void weir__watch_ended(struct weir__watch *w, struct weir__watched *x);

#endif
