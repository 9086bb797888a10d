/* SPDX-License-Identifier: MIT */
/* The task tree: every task of a runtime, what it waits for, and its scopes, read from outside.
 *
 * Threading: any thread, while the runtime lives. Its loops are neither stopped nor asked, so this works
 * while a loop is held, and while tasks begin and end. (Exception: for the stack of a running task, the
 * watch interrupts its thread for microseconds; see <weir/watch.h>.) The result of weir_tasks_open() is
 * used by one thread at a time, and may outlive the runtime.
 *
 * What is reported of one task is from one moment. A task that lived during the whole call is included; a
 * task that began or ended meanwhile may be.
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
    WEIR_TASK_READY,   /* will run when its turn comes */
    WEIR_TASK_RUNNING, /* running, or ran while it was being read */
    WEIR_TASK_PARKED,  /* waiting */
};

/* A scope that a task has opened and not yet closed. */
typedef struct weir_scope_info {
    uint64_t id;           /* unique on its loop; grows from scope to scope */
    weir_instant deadline; /* in force; weir_never() if there is none */
    int cause;             /* why waits in it fail; 0: they do not */
    unsigned tasks;        /* that were spawned in it and have not ended */
} weir_scope_info;

typedef struct weir_task_info {
    uint64_t id;     /* unique in the runtime, never used again */
    uint64_t parent; /* the task in whose scope this task was spawned; 0: none */
    uint64_t scope;  /* the scope in which it was spawned */
    int loop;
    int depth; /* the parent's + 1; 0: no parent, or the parent could not be read */
    enum weir_task_state state;
    const char *name;      /* "?" if it was being changed at every attempt to read it */
    const char *waits_for; /* in words: "reading from 10.0.0.7:443"; NULL unless it is parked */
    const char *route;     /* of the request that the task works for; NULL: none */
    weir_instant created;
    weir_instant seen;             /* when it was read; all instants here are by the clock of its loop */
    weir_instant deadline;         /* of its innermost scope; weir_never() if there is none */
    weir_frame spawned_at;         /* function NULL: by the runtime itself */
    const weir_scope_info *scopes; /* that it has opened, outermost first */
    size_t scope_count;
    const weir_frame *stack; /* innermost first, from the function that waits; see weir_tasks_options */
    size_t stack_depth;      /* 0: not requested; or the task has not run yet; or it runs, and has moved on
                                meanwhile, gets no CPU, or there is no watch */
} weir_task_info;

/* All zero: all tasks, without stacks. */
typedef struct weir_tasks_options {
    const char *filter; /* only tasks whose name, route or wait contains this text, ignoring case, and their
                           ancestors; NULL: all */
    size_t tasks_max;   /* in all; 0: no limit. Descendants are left out before their ancestors. */
    bool stacks;
    unsigned char reserved[32]; /* for later versions; zero */
} weir_tasks_options;

typedef struct weir_tasks weir_tasks;

/* Reads all tasks.
 * Owns:    the caller frees *out. options are lent; NULL: all zero.
 * Returns: 0; -EINVAL an option; -ENOMEM; -EPERM the kernel lets no process read this one, not even itself.
 * Where:   any thread with a large stack: a task calls it through weir_offload(). Does not wait; takes
 *          microseconds for each task, and the first time perhaps a second, for names.
 */
int weir_tasks_open(weir_runtime *runtime, const weir_tasks_options *options, weir_tasks **out) WEIR_CHECKED;

/* Counts the tasks in the result.
 * Returns: the number.
 * Where:   any thread.
 */
size_t weir_tasks_count(const weir_tasks *tasks);

/* Counts the loops of the runtime.
 * Returns: the number.
 * Where:   any thread.
 */
int weir_tasks_loop_count(const weir_tasks *tasks);

/* Counts the tasks that a loop had, including those that the options left out.
 * Returns: the number; 0 if the loop does not exist.
 * Where:   any thread.
 */
size_t weir_tasks_on_loop(const weir_tasks *tasks, int loop);

/* Reports whether tasks were left out because of tasks_max.
 * Returns: true if so.
 * Where:   any thread.
 */
bool weir_tasks_are_truncated(const weir_tasks *tasks);

/* Returns one task. The order is by loop; each task is directly followed by its descendants, in the order
 * in which their scopes, and they themselves, were created.
 * Owns:    everything is valid until weir_tasks_close().
 * Returns: NULL if i is beyond the last.
 * Where:   any thread.
 */
const weir_task_info *weir_tasks_at(const weir_tasks *tasks, size_t i);

/* Frees the result. NULL does nothing.
 * Where:   any thread.
 */
void weir_tasks_close(weir_tasks *tasks);

#ifdef __cplusplus
}
#endif
#endif
