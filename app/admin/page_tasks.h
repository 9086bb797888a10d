/* SPDX-License-Identifier: MIT */
/* The page /tasks: every task of the gateway, as a tree, as JSON.
 *
 * Threading: the admin's loop; a worker reads the tasks, because finding names takes more stack than a task
 * has.
 */
#ifndef APP_ADMIN_PAGE_TASKS_H
#define APP_ADMIN_PAGE_TASKS_H

#include <weir/http_server.h>

#include "admin/admin_state.h"

/* Prepares the page. On the admin's loop, before the first request. */
void page_tasks_open(struct admin_state *state);

/* Answers ?filter=TEXT&limit=N&stacks=0|1 as tasks_json_write() says. Without stacks= they are left out when
 * there are many tasks.
 */
int page_tasks(weir_request *req, weir_response *res, struct admin_state *state);

#endif
