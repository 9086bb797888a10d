/* SPDX-License-Identifier: MIT */
/* Tasks: straight-line code that waits.
 *
 * Threading: a task stays on the loop, and so the thread, that it was started on. It runs until it waits;
 * between two waits no other task of its loop runs. Functions marked "task" may be called only from a task.
 *
 * Every wait also spends a little of a budget, even when there is nothing to wait for; when it is spent the
 * others run first. So a loop over a busy stream does not hold the others up; a loop that computes does.
 */
#ifndef WEIR_TASK_H
#define WEIR_TASK_H

#include <stdbool.h>

#include <weir/error.h>
#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Waits until the instant; one that has passed still counts as a wait.
 * Returns: 0, never early; -WEIR_ECANCELED, -WEIR_EDEADLINE.
 * Cancel:  ends the wait at once.
 * Where:   task. Waits.
 */
int weir_sleep_until(weir_instant until);

/* Waits so long from now.
 * Returns: as weir_sleep_until().
 * Cancel:  ends the wait at once.
 * Where:   task. Waits.
 */
int weir_sleep(weir_duration d);

/* Lets every other task that is ready run first.
 * Returns: 0; -WEIR_ECANCELED, -WEIR_EDEADLINE.
 * Cancel:  it returns so, after the others have run.
 * Where:   task. Waits.
 */
int weir_yield(void);

/* Whether waits would fail now: for code that computes for long between two waits.
 * Returns: 0; -WEIR_ECANCELED, -WEIR_EDEADLINE.
 * Where:   task. Does not wait.
 */
int weir_cancelled(void);

/* The deadline the task is under: that of the innermost scope it is in.
 * Returns: an instant, weir_never() when there is none.
 * Where:   task. Does not wait.
 */
weir_instant weir_deadline(void);

/* True in a task, false on any other thread.
 * Returns: as said.
 * Where:   any thread.
 */
bool weir_in_task(void);

/* The name of the running task.
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
