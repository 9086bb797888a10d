/* SPDX-License-Identifier: MIT */
/* Tasks: how they are made, run and switched, and the one function through which every wait goes.
 *
 * Threading: a task belongs to its loop's thread, and so does all here.
 */
#ifndef WEIR__TASK_H
#define WEIR__TASK_H

#include <stdatomic.h>

#include <weir/task.h>

#include "core/task_record.h"

/* Every wait begins here: fails when the scope is cancelled, spends budget, lets others run when it is spent.
 */
int weir__wait_begin(void) __attribute__((warn_unused_result));

/* Gives up the loop until weir__wake(). A cancel of the scope meanwhile calls on_cancel(task), once, which
 * wakes the task or sees to it that it will be; NULL: the cancel does not cut this wait short. arg: for both
 * on_cancel and the kind's describe(). Returns what weir__wake() was given. */
int weir__park(const struct weir__wait_class *wait_class, void (*on_cancel)(struct weir__task *task),
               void *arg);

/* The on_cancel of waits that hold nothing: wakes with the cause. */
void weir__wake_cancelled(struct weir__task *task);

/* Makes a parked task ready; it sees result. */
void weir__wake(struct weir__task *task, int result);

/* Has a parked task feel the cancel of its scope. */
void weir__task_cancel(struct weir__task *task);

/* What the running task works for from here on, or NULL. Whoever begins it ends it, on the same task. Its
 * ledger is on from before the one to after the other, or never. */
void weir__task_set_activity(struct weir__task *self, struct weir__activity *activity);

/* Makes a task on that stack, ready and hidden: the caller fills work and spawned_at, then shows it. It gives
 * the stack back to its loop as it ends. */
struct weir__task *weir__task_create(struct weir__scope *home, char *stack, const char *name,
                                     int (*fn)(void *), void *arg);

/* From now on others may see it. */
static inline void weir__task_show(struct weir__loop *loop, struct weir__task *task)
{
    loop->last_task_id += loop->task_id_step;
    atomic_store_explicit(&task->id, loop->last_task_id, memory_order_release);
}

/* Runs ready tasks, each at most once, from the loop's own stack. */
void weir__tasks_run(struct weir__loop *loop);

#endif
