/* SPDX-License-Identifier: MIT */
/* The tree of tasks for people: what /tasks answers, drawn line by line, tasks that are alike put together.
 *
 * Threading: any thread, but it wants more stack than a task has.
 */
#ifndef APP_COMMANDS_TASKS_TREE_H
#define APP_COMMANDS_TASKS_TREE_H

#include <jansson.h>

#include "text/terminal_text.h"

struct tasks_view {
    bool flat;   /* each task by itself */
    bool stacks; /* with its stack below it */
};

/* Adds the lines of all loops. */
void tasks_tree_write(const json_t *tasks, const struct tasks_view *view, struct terminal_text *out);

#endif
