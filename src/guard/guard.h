/* SPDX-License-Identifier: MIT */
/* libweir's side of the guard: what a loop tells libweir-guard.so, and what is made of what it catches.
 *
 * Threading: a struct weir__guard belongs to its loop's thread, which enters and leaves; what was found is
 * the process's, written without locks, from signal handlers too, and read by any thread.
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

/* A lock of the thread's that a task has taken. */
struct weir__guard_lock {
    const void *lock;
    const char *function;
    const void *place;
    struct weir__task *task; /* that of this id, if it still lives */
    uint64_t task_id;
};

struct weir__guard {
    struct weir__guard_link link;
    struct weir__loop *loop;
    struct weir__guard_lock locks[WEIR__GUARD_LOCKS_MAX]; /* link.locks of them; more are not known of */
};

/* Before the first loop of a runtime, and after the last. */
void weir__guard_runtime_begins(struct weir_runtime *r);
void weir__guard_runtime_ends(struct weir_runtime *r);

/* This thread is the loop's from here on, until it leaves: the guard looks, if there is one and it is not
 * off.
 */
void weir__guard_enter(struct weir__loop *loop);
void weir__guard_leave(struct weir__loop *loop);

/* The running task gives up the loop and holds locks of the thread: whoever of its loop wants one stands.
 * waits_for: a literal. */
void weir__guard_holds_locks(struct weir__task *task, const char *waits_for);

#endif
