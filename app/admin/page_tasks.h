/* SPDX-License-Identifier: MIT */
/* The page /tasks: every task of the gateway, as a tree, as JSON.
 *
 * Threading: the admin's loop; looking at the tasks is done by a worker, because names take more stack than a
 * task has.
 */
#ifndef APP_ADMIN_PAGE_TASKS_H
#define APP_ADMIN_PAGE_TASKS_H

#include <weir/http_server.h>
#include <weir/inspect.h>

#include "admin/gateway_status.h"
#include "text/text_out.h"

/* ?filter=TEXT&limit=N&stacks=0|1; stacks are left out when there are many tasks and nobody says what he
 * wants.
 *
 * {"loops":[{"loop":0,"tasks":N,"tree":[TASK …]} …],"truncated":false}, where TASK is {"id","name","state",
 * "waits_for","age_ms","deadline_ms","route","spawned_at","stack":[…],"scopes":[{"id","deadline_ms",
 * "tasks":[TASK …]} …]}. A task's scopes are listed from the outermost to the innermost.
 */
void admin_tasks_open(struct gateway_status *status); /* on the admin's loop, before the first is asked for */
int admin_tasks(weir_request *req, weir_response *res, struct gateway_status *status);

/* Writes all of it, piece by piece: whenever there is a good deal of text, pour(arg, out) is called, which
 * empties out->text, and may wait.
 * Returns: 0; the first error of pour or of writing.
 */
WEIR_CHECKED int admin_tasks_write(const weir_tasks *tasks, struct text_out *out,
                                   int (*pour)(void *arg, struct text_out *out), void *arg);

#endif
