/* SPDX-License-Identifier: MIT */
/* Whether a call on a descriptor may wait.
 *
 * Threading: any thread. Keeps errno. Asks the kernel once for a descriptor that does not block, else two or
 * three times.
 */
#ifndef WEIR__GUARD_PRELOAD_DESCRIPTOR_H
#define WEIR__GUARD_PRELOAD_DESCRIPTOR_H

#include <stdbool.h>

/* Each returns the name of the call, or NULL: it does not wait. `plain` names it on sockets, pipes, terminals
 * and their like, `file` on what is read from a disk; either may be NULL. */
const char *weir__reads(int fd, const char *plain, const char *file);
const char *weir__writes(int fd, const char *plain, const char *file);

/* The same for connect(), which on datagrams does not wait; and for whatever does wait unless told not to. */
const char *weir__connects(int fd);
const char *weir__blocks(int fd, const char *name);

#endif
