/* SPDX-License-Identifier: MIT */
/* libweir's side of the guard: attaches loops to libweir-guard.so, and records what it catches.
 *
 * Threading: a struct weir__guard belongs to its loop's thread, which enters and leaves. The records belong
 * to the process: they are written without locks, also from signal handlers, and read by any thread.
 */
#ifndef WEIR__GUARD_GUARD_H
#define WEIR__GUARD_GUARD_H

#include <stdint.h>

#include <weir/guard.h>

#include "guard/link.h"

struct weir_runtime;
struct weir__loop;
struct weir__task;

enum { WEIR__GUARD_LOCKS_MAX = 32 };

/* A lock that belongs to the thread, taken by a task. */
struct weir__guard_lock {
    const void *lock;
    const char *function;
    const void *place;
    struct weir__task *task; /* while its id is task_id; else the task has ended */
    uint64_t task_id;
};

struct weir__guard {
    struct weir__guard_link link;
    struct weir__loop *loop;
    struct weir__guard_lock
        locks[WEIR__GUARD_LOCKS_MAX]; /* link.locks of them; further ones are not recorded */
};

/* Called before the first loop of a runtime begins, and after the last has ended. */
void weir__guard_runtime_begins(struct weir_runtime *r);
void weir__guard_runtime_ends(struct weir_runtime *r);

/* The guard looks at the calls of this thread, which is the loop's, from enter to leave; if it is in the
 * process and not off. */
void weir__guard_enter(struct weir__loop *loop);
void weir__guard_leave(struct weir__loop *loop);

/* Records that the running task waits with locks of the thread held, so another task that takes one blocks
 * the loop. waits_for: a literal. */
void weir__guard_holds_locks(struct weir__task *task, const char *waits_for);

#endif
