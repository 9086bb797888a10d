/* SPDX-License-Identifier: MIT */
/* The tree of tasks as JSON: {"loops":[{"loop":0,"tasks":N,"tree":[TASK …]} …],"truncated":false}, where TASK
 * is
 * {"id","name","state","waits_for","age_ms","deadline_ms","route","spawned_at","stack":[…],"scopes":[{"id",
 * "deadline_ms","tasks":[TASK …]} …]}. A task's scopes are listed from the outermost to the innermost.
 *
 * Threading: belongs to the task that writes.
 */
#ifndef APP_ADMIN_TASKS_JSON_H
#define APP_ADMIN_TASKS_JSON_H

#include <weir/error.h>
#include <weir/inspect.h>

#include "text/text_out.h"

/* process: its number, which is written with each loop; 0: not. Writes all of it, piece by piece: whenever
 * there is a good deal of text, pour(arg, out) is called, which empties out->text, and may wait.
 * Returns: 0; the first error of pour or of writing.
 */
WEIR_CHECKED int tasks_json_write(const weir_tasks *tasks, int process, struct text_out *out,
                                  int (*pour)(void *arg, struct text_out *out), void *arg);

#endif
