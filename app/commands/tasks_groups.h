/* SPDX-License-Identifier: MIT */
/* Groups of tasks that are alike: same name, state, wait, route, and place where they were started.
 *
 * Threading: pure functions.
 */
#ifndef APP_COMMANDS_TASKS_GROUPS_H
#define APP_COMMANDS_TASKS_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

enum { TASKS_WAIT_BYTES = 256 };

struct tasks_member {
    const json_t *task;
    uint64_t likeness; /* a hash, set by tasks_group() */
    size_t place;      /* in the list as it was given, set by tasks_group() */
};

struct tasks_group {
    uint64_t likeness;
    size_t first, count; /* of the members */
    size_t place;        /* of the first member */
};

/* Orders the members so that those alike stand together, and finds the groups, in the order of their first
 * members. apart: each task is a group of its own.
 * Owns:    *out is the caller's to free().
 * Returns: the number of groups; 0 when there is no memory.
 */
size_t tasks_group(struct tasks_member *members, size_t count, bool apart, struct tasks_group **out);

/* Writes the wait of a task without what differs among tasks that are alike: the time that is left, the place
 * in a queue.
 * Returns: out.
 */
const char *tasks_common_wait(const json_t *task, char out[TASKS_WAIT_BYTES]);

#endif
