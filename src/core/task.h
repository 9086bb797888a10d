/* SPDX-License-Identifier: MIT */
/* Tasks: how they are made, run and switched, and the one function through which every wait goes.
 *
 * Threading: the loop's thread.
 */
#ifndef WEIR__TASK_H
#define WEIR__TASK_H

#include <stdatomic.h>

#include <weir/task.h>

#include "core/task_record.h"

/* Begins a wait: fails when the scope is cancelled, and spends budget. Lets others run when the budget is
 * spent. */
int weir__wait_begin(void) __attribute__((warn_unused_result));
int weir__wait_begin_of(struct weir__task *self) __attribute__((warn_unused_result)); /* self is running */

/* Parks the running task until weir__wake(). A cancel of its scope calls on_cancel(task), once, which wakes
 * the task or sees to it that it will be woken; NULL: a cancel does not end this wait. arg: for on_cancel and
 * for the describe() of the class. Returns: the result that weir__wake() was given. */
int weir__park(const struct weir__wait_class *wait_class, void (*on_cancel)(struct weir__task *task),
               void *arg);

/* The on_cancel of waits that hold nothing: wakes the task with the cause of the cancel. */
void weir__wake_cancelled(struct weir__task *task);

/* Makes a parked task ready. result: what weir__park() returns to it. */
void weir__wake(struct weir__task *task, int result);

/* Passes the cancel of its scope to a task, if it is parked. */
void weir__task_cancel(struct weir__task *task);

/* Sets what the running task works for from now on, or NULL. The task that sets an activity also ends it. The
 * ledger of an activity is on from before the one to after the other, or never. */
void weir__task_set_activity(struct weir__task *self, struct weir__activity *activity);

/* Makes a task on a stack, ready and hidden: the caller fills activity and spawned_at, then shows it. The
 * stack goes back to the loop as the task ends. */
struct weir__task *weir__task_create(struct weir__scope *home, char *stack, const char *name,
                                     int (*fn)(void *), void *arg);

/* Makes a task visible to other threads. */
static inline void weir__task_show(struct weir__loop *loop, struct weir__task *task)
{
    loop->last_task_id += loop->task_id_step;
    atomic_store_explicit(&task->id, loop->last_task_id, memory_order_release);
}

/* Runs ready tasks, each at most once, from the loop's own stack. */
void weir__tasks_run(struct weir__loop *loop);

#endif
