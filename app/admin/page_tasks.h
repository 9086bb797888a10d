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

/* In the query of a supervisor: the number of the process, which each loop is then written with. */
#define PAGE_TASKS_PROCESS "process"

/* Returns: what is wrong with a query; NULL: nothing. */
const char *page_tasks_fault(weir_bytes query);

#endif
