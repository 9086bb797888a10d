/* SPDX-License-Identifier: MIT */
/* The control groups that bound this process, as machines and containers show them.
 *
 * Threading: any.
 */
#ifndef WEIR__CGROUP_H
#define WEIR__CGROUP_H

#include <stdbool.h>
#include <stddef.h>

/* Calls fn for the process's cgroup, then for each around it that can be seen: of version 1 those with this
 * controller, of version 2 when controller is NULL. root stands before every path, "" for the machine itself.
 * In a container our cgroup may be named as seen from outside: then what is mounted is ours. */
void weir__cgroup_each(const char *root, const char *controller, void (*fn)(void *arg, const char *folder),
                       void *arg);

/* Reads a file in such a folder, as much as there is room for, ended by NUL.
 * Returns: false when it is not there, or empty. */
bool weir__cgroup_read(const char *folder, const char *name, char *text, size_t room);

#endif
