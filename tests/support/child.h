/* SPDX-License-Identifier: MIT */
/* Running something in a child process, to see how it ends and what it says on stderr. */
#ifndef TEST_SUPPORT_CHILD_H
#define TEST_SUPPORT_CHILD_H

#include <stddef.h>

/* Runs fn(arg) in a child whose exit status is what fn returns; puts what it wrote to stderr into said, cut
 * at room - 1 bytes and ended with a NUL. Returns: the status as of waitpid(2). */
int run_in_child(int (*fn)(void *arg), void *arg, char *said, size_t room);

#endif
