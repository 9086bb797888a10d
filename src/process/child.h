/* SPDX-License-Identifier: MIT */
/* The child between clone(2) and execve(2). It shares the memory of the program, whose other threads run on,
 * and may find any lock taken: so it makes system calls alone, and all it needs was prepared before.
 *
 * Threading: the starter's thread, which is held until the child executes its program or has ended.
 */
#ifndef WEIR__PROCESS_CHILD_H
#define WEIR__PROCESS_CHILD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "process/descriptors.h"

struct weir__found;
struct weir__user;

/* The kernel's struct rlimit64. */
struct weir__child_limit {
    bool is_set;
    uint64_t soft, hard;
};

struct weir__child {
    char *const *paths; /* that are tried in order */
    char *const *argv, *const *env;
    const char *folder; /* or NULL */
    struct weir__descriptors descriptors;
    struct weir__child_limit data, files;
    const struct weir__user *user; /* or NULL */
    const struct weir__found *found;
    pid_t parent;
    int err; /* why it is not executing the program: a negative errno; 0: it is */
};

enum { WEIR__CHILD_STACK_BYTES = 32 << 10 };

/* Starts a child on a stack of its own. *pidfd and then *begun, its number, are written before it runs: the
 * thread is held until another one kills it if it cannot go on.
 * Returns: its pid, and *pidfd is the caller's: it is executing the program, or has ended with child->err,
 * and is to be reaped; < 0: there is no child. */
pid_t weir__child_start(struct weir__child *child, char *stack, int *pidfd, atomic_int *begun);

#endif
