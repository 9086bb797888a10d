/* SPDX-License-Identifier: MIT */
/* The control groups that limit this process, on machines and in containers.
 *
 * Threading: any thread.
 */
#ifndef WEIR__CGROUP_H
#define WEIR__CGROUP_H

#include <stdbool.h>
#include <stddef.h>

/* Calls fn for the folder of the process's cgroup, then for each visible one around it: of version 1 those
 * with this controller, of version 2 when controller is NULL. root stands before every path, "" for the
 * machine itself. In a container the cgroup may be named as seen from outside: then the mount itself is the
 * process's. */
void weir__cgroup_each(const char *root, const char *controller, void (*fn)(void *arg, const char *folder),
                       void *arg);

/* Reads a file in such a folder, as much as there is room for, ended by NUL. Returns: false when it is not
 * there, or empty. */
bool weir__cgroup_read(const char *folder, const char *name, char *text, size_t room);

#endif
