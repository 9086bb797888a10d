/* SPDX-License-Identifier: MIT */
/* The interface between libweir and libweir-guard.so; they share nothing else. One of them may be newer than
 * the other, and the guard may meet several copies of libweir in a process. So nothing here is ever changed:
 * a new version is added.
 *
 * Threading: a link belongs to one loop's thread. All calls through it come from that thread, possibly in a
 * signal handler.
 */
#ifndef WEIR__GUARD_LINK_H
#define WEIR__GUARD_LINK_H

#include <stdbool.h>

struct weir__task;

enum { WEIR__GUARD_LINK_VERSION = 1 };

/* A call to the C library, before it is made. */
struct weir__guard_call {
    const char *function; /* a literal: "recv", "read:file" */
    const void *place;    /* the return address */
    const void *frame;    /* frame record of the called function: the caller's frame address, then place */
};

struct weir__guard_link {
    struct weir__task *const *running;  /* the running task of the loop; NULL or scheduler: none */
    const struct weir__task *scheduler; /* the loop itself */
    const unsigned *own_calls;          /* not 0: libweir itself makes the calls */
    unsigned locks;                     /* the number of recorded locks that tasks hold; set by libweir */
    /* A task is about to make a call that may wait. Keeps errno. */
    void (*caught)(struct weir__guard_link *link, const struct weir__guard_call *call);
    /* locked: a task has taken a lock that belongs to the thread. unlocked: any code is about to release one.
     */
    void (*locked)(struct weir__guard_link *link, const void *lock, const char *function, const void *place);
    void (*unlocked)(struct weir__guard_link *link, const void *lock);
};

/* Defined by the guard; NULL: it is not in the process. Attaches the calling thread: its calls are looked at
 * until this is called with link NULL. Returns: false: the guard does not know this version. */
bool weir__guard_attach(int version, struct weir__guard_link *link) __attribute__((weak));

#endif
