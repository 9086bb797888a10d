/* SPDX-License-Identifier: MIT */
/* Looking at a runtime from outside: every task of every loop, what it waits for, and under which scopes.
 *
 * Threading: any thread, while the runtime lives; its loops are neither stopped nor asked, so this works
 * while one is stuck, and while tasks come and go. (Only for the stack of a task that runs its thread is
 * interrupted, for microseconds, by the watch: see <weir/watch.h>.) What weir_tasks_take() made is used by
 * one thread at a time, and may outlive the runtime.
 *
 * What is said of one task is of one moment; a task that lived all through the call is among them, one that
 * began or ended meanwhile may be.
 */
#ifndef WEIR_INSPECT_H
#define WEIR_INSPECT_H

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

enum weir_task_state {
    WEIR_TASK_READY,   /* to run when it is its turn */
    WEIR_TASK_RUNNING, /* or has run while it was looked at */
    WEIR_TASK_PARKED,  /* waits */
};

/* A scope that a task has opened and not yet closed. */
typedef struct weir_scope_info {
    uint64_t id;           /* on its loop; grows from scope to scope */
    weir_instant deadline; /* in force; weir_never() when there is none */
    int cause;             /* why waits fail in it; 0: they don't */
    unsigned tasks;        /* that were spawned in it and have not ended */
} weir_scope_info;

typedef struct weir_task_info {
    uint64_t id;     /* no other task of the runtime has it, ever */
    uint64_t parent; /* the task whose scope it was spawned in; 0: none's */
    uint64_t scope;  /* that scope */
    int loop;
    int depth; /* 0: it has no parent, or the parent could not be seen; else its parent's + 1 */
    enum weir_task_state state;
    const char *name;      /* "?" when it was being changed all the time */
    const char *waits_for; /* in words: "reading from 10.0.0.7:443"; NULL unless it is parked */
    const char *route;     /* of the request it works for; NULL: of none */
    weir_instant created;
    weir_instant seen;             /* when it was looked at; by the clock of its loop, as all here */
    weir_instant deadline;         /* it is under; weir_never() when there is none */
    weir_frame spawned_at;         /* function NULL: by the runtime itself */
    const weir_scope_info *scopes; /* its own, each one inside the one before it */
    size_t scope_count;
    const weir_frame *stack; /* innermost first, from the function that waits on; see weir_tasks_options */
    size_t stack_depth;      /* 0: not asked for, not begun to run; or it runs, and has moved on meanwhile,
                                or does not get the CPU, or there is no watch */
} weir_task_info;

/* All zero: all tasks, without stacks. */
typedef struct weir_tasks_options {
    const char *filter; /* only tasks in whose name, route or wait this text is, in either case, and those
                           above them; NULL: all */
    size_t tasks_max;   /* of the whole; 0: no limit. A task is left out before those above it are. */
    bool stacks;
} weir_tasks_options;

typedef struct weir_tasks weir_tasks;

/* Looks at all tasks.
 * Owns:    the caller frees *out. options are lent; NULL: all zero.
 * Returns: 0; -ENOMEM; -EPERM the kernel lets nobody read this process, not even itself.
 * Where:   any thread but one with a small stack: a task calls it by way of weir_offload(). Does not wait;
 *          takes microseconds for each task, the first time perhaps a second, for names.
 */
int weir_tasks_take(weir_runtime *runtime, const weir_tasks_options *options, weir_tasks **out) WEIR_CHECKED;

/* How many there are in it.
 * Returns: as said.
 * Where:   any thread.
 */
size_t weir_tasks_count(const weir_tasks *tasks);

/* How many loops the runtime has.
 * Returns: as said.
 * Where:   any thread.
 */
int weir_tasks_loops(const weir_tasks *tasks);

/* How many tasks the loop had, also those that the options left out.
 * Returns: as said; 0 for a loop that does not exist.
 * Where:   any thread.
 */
size_t weir_tasks_on_loop(const weir_tasks *tasks, int loop);

/* Whether tasks_max left some out.
 * Returns: as said.
 * Where:   any thread.
 */
bool weir_tasks_are_cut(const weir_tasks *tasks);

/* One of them. They come loop by loop, each task directly followed by those below it, these in the order of
 * their scopes and of their birth.
 * Owns:    all of it lives until weir_tasks_free().
 * Returns: NULL when there are not so many.
 * Where:   any thread.
 */
const weir_task_info *weir_tasks_at(const weir_tasks *tasks, size_t i);

/* Frees them. NULL is nothing.
 * Where:   any thread.
 */
void weir_tasks_free(weir_tasks *tasks);

#ifdef __cplusplus
}
#endif
#endif
