/* SPDX-License-Identifier: MIT */
/* A maximum that the loops of a runtime share: how many connections there may be to one place. A slot is the
 * right to have one; it is held as long as the connection exists, in use or idle.
 *
 * Each loop has a member. What every request does, using an idle connection again and leaving it idle, needs
 * no other loop: it reads one number that is 0 while no loop waits. Slots are taken from a common counter.
 * When that is empty a task waits, in one queue for all loops, and the other members are asked for idle
 * connections: each keeps max / (2 * loops) of its slots and gives up the rest. While tasks wait, a slot that
 * comes free goes to the first of the queue; only a member that has no more than its fair share may pass it
 * on to a task of its own, with the connection, so that loops that are equally busy do not close each other's
 * connections.
 *
 * Several processes may have one maximum. Each has a queue of its own then, and the counter is common to them
 * (slots_common.h).
 *
 *     slots.c         this, over hooks: the test runs it without loops, in orders of its choice
 *     slots_common.c  what processes have in common
 *     slot_share.c    the member of a loop, with tasks that wait and messages between loops
 *
 * Threading: a member belongs to one loop; its functions are for that loop's thread. What members share is
 * atomic, or under the lock of the slots.
 *
 * No wake-up is lost: a waiter first counts itself in `waiting` and then finds the counter empty, under the
 * lock; a slot is put back under the lock. A member that leaves a connection idle because it has read 0 is
 * among those that are asked, because it counts a slot in `held` before it takes it from the counter.
 */
#ifndef WEIR__SLOTS_H
#define WEIR__SLOTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "core/lock.h"
#include "net/slots_common.h"

struct weir__slots_member;
struct weir__slots_waiter;

struct weir__slots {
    int max, loops;
    atomic_int keep;    /* slots that a member gives to no other: all members together at most half of max */
    atomic_int free;    /* held by no member; unless it is common */
    atomic_int waiting; /* in the queue, and WEIR__SLOTS_OTHERS; written under the lock */
    struct weir__lock lock; /* guards the rest */
    struct weir__list queue, members;
    int member_count;
    struct weir__slots_common common;
};

/* Added to `waiting` while tasks of other processes wait. */
enum { WEIR__SLOTS_OTHERS = 1 << 30 };

struct weir__slots_hooks {
    /* Has weir__slots_heed() called soon, on the loop of the member. On any thread, under the lock; once
     * until that has been called. */
    void (*notify)(struct weir__slots_member *m);
    /* A waiter has got a slot, and is in no queue any more. On its loop. */
    void (*grant)(struct weir__slots_waiter *w);
    /* Gives up idle connections, as long as weir__slots_are_wanted() and there are any. On its loop. */
    void (*spare)(struct weir__slots_member *m);
};

struct weir__slots_member {
    struct weir__slots *slots;
    const struct weir__slots_hooks *hooks;
    struct weir__list waiters; /* of this loop, the first to be served first */
    atomic_int held;           /* slots, those that were granted and not taken up yet included */
    struct weir__list node;    /* in slots->members; this and the rest are guarded by the lock */
    int queued;                /* of the waiters, those in the queue */
    int granted;               /* by other loops, not taken up yet */
    bool asked, notified;
};

struct weir__slots_waiter {
    struct weir__slots_member *member;
    struct weir__list node;   /* in member->waiters */
    struct weir__list queued; /* in slots->queue, under the lock; empty: a slot is on its way to the member */
    void *given;              /* by grant(): a connection that comes with the slot; NULL: none */
};

/* common: NULL: the slots are this process's. */
void weir__slots_init(struct weir__slots *s, int max, int loops, const struct weir__slots_common *common);

void weir__slots_join(struct weir__slots *s, struct weir__slots_member *m,
                      const struct weir__slots_hooks *hooks);

/* The member holds nothing, and none of its tasks waits. Returns: false: weir__slots_heed() is still to come.
 */
bool weir__slots_leave(struct weir__slots_member *m) __attribute__((warn_unused_result));

/* Takes a slot if there is one and no task waits. */
bool weir__slots_try(struct weir__slots_member *m) __attribute__((warn_unused_result));

/* Takes a slot, or queues up: then grant() comes later. Returns: true: it is taken. */
bool weir__slots_queue(struct weir__slots_member *m, struct weir__slots_waiter *w)
    __attribute__((warn_unused_result));

/* Takes a waiter back that is not to wait any longer. */
void weir__slots_unqueue(struct weir__slots_waiter *w);

/* Gives a slot back. */
void weir__slots_give(struct weir__slots_member *m);

/* Passes a slot on with its connection, to a task of this loop, if it is that task's turn. Returns: whether
 * it was. */
bool weir__slots_pass(struct weir__slots_member *m, void *connection) __attribute__((warn_unused_result));

/* Called after notify(). */
void weir__slots_heed(struct weir__slots_member *m);

/* Sees what other processes have given back, or want. Called when one of them has rung, and now and then; on
 * any thread. */
void weir__slots_look(struct weir__slots *s, int64_t now_ns);

/* Whether tasks of other processes wait for more than what is free. */
bool weir__slots_others_want(const struct weir__slots *s);

/* Whether any task waits, on whatever loop, of whatever process. */
static inline bool weir__slots_are_awaited(const struct weir__slots_member *m)
{
    return atomic_load_explicit((atomic_int *)(uintptr_t)&m->slots->waiting, memory_order_relaxed) > 0;
}

static inline int weir__slots_keep(const struct weir__slots *s)
{
    int keep = atomic_load_explicit((atomic_int *)(uintptr_t)&s->keep, memory_order_relaxed);

    return s->common.shared == NULL ? keep : keep / weir__slots_common_active(&s->common);
}

/* Whether the member is to give a slot up rather than leave its connection idle. */
static inline bool weir__slots_are_wanted(const struct weir__slots_member *m)
{
    return weir__slots_are_awaited(m) &&
           atomic_load_explicit((atomic_int *)(uintptr_t)&m->held, memory_order_relaxed) >
               weir__slots_keep(m->slots) &&
           (m->slots->common.shared == NULL || weir__slots_others_want(m->slots));
}

#endif
