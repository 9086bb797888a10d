/* SPDX-License-Identifier: MIT */
/* Runs a function in a child process, to check how it ends and what it writes to stderr. */
#ifndef TEST_SUPPORT_CHILD_H
#define TEST_SUPPORT_CHILD_H

#include <stddef.h>

/* Runs fn(arg) in a child; the result of fn is the exit status. said gets what the child writes to stderr,
 * cut at room - 1 bytes and ended with a NUL. Returns: the status of waitpid(2). */
int run_in_child(int (*fn)(void *arg), void *arg, char *said, size_t room);

#endif
