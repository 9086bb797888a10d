/* SPDX-License-Identifier: MIT */
/* The tree of tasks as text: the answer of /tasks, line by line, with tasks that are alike in one line.
 *
 * Threading: any thread, but it may need more stack than a task has.
 */
#ifndef APP_COMMANDS_TASKS_TREE_H
#define APP_COMMANDS_TASKS_TREE_H

#include <jansson.h>

#include "text/terminal_text.h"

struct tasks_view {
    bool flat;   /* each task has a line of its own */
    bool stacks; /* with the stack of each task below it */
};

/* Adds the lines of all loops. */
void tasks_tree_write(const json_t *tasks, const struct tasks_view *view, struct terminal_text *out);

#endif
