/* SPDX-License-Identifier: MIT */
/* Decides whether a call on a descriptor may wait.
 *
 * Threading: any thread. Keeps errno. Costs one system call for a non-blocking descriptor, else two or three.
 */
#ifndef WEIR__GUARD_PRELOAD_DESCRIPTOR_H
#define WEIR__GUARD_PRELOAD_DESCRIPTOR_H

#include <stdbool.h>

/* Each returns the name under which the call is reported, or NULL: it does not wait. plain: its name on
 * sockets, pipes, terminals and the like; file: its name on files that are on a disk. Either may be NULL. */
const char *weir__read_call(int fd, const char *plain, const char *file);
const char *weir__write_call(int fd, const char *plain, const char *file);

/* The same for connect(), which does not wait for datagrams. */
const char *weir__connect_call(int fd);
/* The same for a call that waits on every blocking descriptor. */
const char *weir__blocking_call(int fd, const char *name);

#endif
