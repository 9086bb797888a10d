/* SPDX-License-Identifier: MIT */
/* The children of a program's first thread: those that it has started, and orphans, which the kernel gives to
 * that thread.
 *
 * Threading: any thread; reads /proc.
 */
#ifndef APP_SUPERVISOR_CHILDREN_H
#define APP_SUPERVISOR_CHILDREN_H

#include <stdbool.h>
#include <sys/types.h>

/* Calls fn with each child, or with some of very many. Zombies are among them.
 * Returns: false: the kernel is built without the list, and these are the children of all threads. */
bool children_each(void (*fn)(void *arg, pid_t pid), void *arg);

/* Returns: the session of a process; 0: it has ended, or is ending, or cannot be seen. */
pid_t children_session(pid_t pid);

#endif
