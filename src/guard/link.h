/* SPDX-License-Identifier: MIT */
/* What libweir and libweir-guard.so know of each other: this page and nothing else. One of them may be newer
 * than the other, and the guard may meet several libweirs in a process; so what stands here is not changed, a
 * new version is added.
 *
 * Threading: a link belongs to one loop's thread. All calls through it come from that thread, perhaps out of
 * a signal handler.
 */
#ifndef WEIR__GUARD_LINK_H
#define WEIR__GUARD_LINK_H

#include <stdbool.h>

struct weir__task;

enum { WEIR__GUARD_LINK_VERSION = 1 };

/* A call to the C library, seen on its way in. */
struct weir__guard_call {
    const char *function; /* a literal: "recv", "read:file" */
    const void *place;    /* where it returns to */
    const void *frame;    /* of the function called: its caller's frame address, then place */
};

struct weir__guard_link {
    struct weir__task *const *running;  /* where the loop keeps who runs: NULL or … */
    const struct weir__task *scheduler; /* … this is no task */
    const unsigned *own_calls;          /* not 0: libweir itself is calling */
    unsigned locks;                     /* so many locks of tasks are known to be held; libweir counts */
    /* A task makes a call that may wait. Keeps errno. */
    void (*caught)(struct weir__guard_link *link, const struct weir__guard_call *call);
    /* A task has taken a lock that belongs to the thread; the one on the lock's release, by whom ever. */
    void (*locked)(struct weir__guard_link *link, const void *lock, const char *function, const void *place);
    void (*unlocked)(struct weir__guard_link *link, const void *lock);
};

/* The guard's, NULL when it is not in the process: from now on this thread's calls are looked at, until it is
 * called with NULL. Returns: false when it does not know this version. */
bool weir__guard_attach(int version, struct weir__guard_link *link) __attribute__((weak));

#endif
