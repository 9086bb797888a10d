/* SPDX-License-Identifier: MIT */
/* Tasks: straight-line code that waits.
 *
 * Threading: a task stays on the loop, and so on the thread, on which it was started. It runs until it
 * waits; between two waits no other task of its loop runs. Functions marked "task" may be called only from
 * a task.
 *
 * Every wait also spends a little of a budget, even if there is nothing to wait for. When the budget is
 * spent, the other ready tasks run first. So a loop that reads a busy stream does not hold up other tasks;
 * a loop that computes does.
 */
#ifndef WEIR_TASK_H
#define WEIR_TASK_H

#include <stdbool.h>

#include <weir/error.h>
#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Waits until an instant; an instant in the past still counts as a wait.
 * Returns: 0, never early; -WEIR_ECANCELED, -WEIR_EDEADLINE.
 * Cancel:  ends the wait at once.
 * Where:   task. Waits.
 */
int weir_sleep_until(weir_instant until);

/* Waits for a duration from now.
 * Returns: as weir_sleep_until().
 * Cancel:  ends the wait at once.
 * Where:   task. Waits.
 */
int weir_sleep(weir_duration d);

/* Lets every other ready task run first.
 * Returns: 0; -WEIR_ECANCELED, -WEIR_EDEADLINE.
 * Cancel:  is returned, after the other tasks have run.
 * Where:   task. Waits.
 */
int weir_yield(void);

/* Reports whether the next wait would fail. For code that computes a long time between two waits.
 * Returns: 0; -WEIR_ECANCELED, -WEIR_EDEADLINE.
 * Where:   task. Does not wait.
 */
int weir_cancelled(void);

/* Returns the deadline in force for the task: that of its innermost scope.
 * Returns: an instant, weir_never() if there is none.
 * Where:   task. Does not wait.
 */
weir_instant weir_deadline(void);

/* Reports whether the caller is a task.
 * Returns: true in a task, false elsewhere.
 * Where:   any thread.
 */
bool weir_in_task(void);

/* Returns the name of the running task.
 * Owns:    the text is the task's.
 * Returns: never NULL.
 * Where:   task. Does not wait.
 */
const char *weir_task_name(void);

/* Names the running task; the text is copied and cut at 47 bytes.
 * Where:   task. Does not wait.
 */
void weir_task_set_name(const char *format, ...) __attribute__((format(printf, 1, 2)));

#ifdef __cplusplus
}
#endif
#endif
