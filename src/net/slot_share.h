/* SPDX-License-Identifier: MIT */
/* The share of one loop in a maximum of connections (slots.h): tasks that wait for a slot, and messages
 * between loops. Shares of the same key and maximum, on whatever loops of a runtime, have one maximum in
 * common.
 *
 * Threading: the loop's.
 */
#ifndef WEIR__SLOT_SHARE_H
#define WEIR__SLOT_SHARE_H

#include <weir/error.h>

#include "core/loop.h"
#include "net/slots.h"

struct weir__slots_shared; /* the slots of all loops, found in the runtime */

struct weir__slot_share;

/* What the owner of a share does, on its loop. */
struct weir__slot_share_type {
    void (*spare)(struct weir__slot_share *share); /* as in struct weir__slots_hooks */
    /* Returns: a connection that is idle no longer, with its slot; NULL: none is idle. */
    void *(*reuse)(struct weir__slot_share *share);
    void (*waiting_changed)(struct weir__slot_share *share); /* may be NULL */
};

struct weir__slot_share {
    struct weir__slots_member member; /* first */
    struct weir__slots_shared *shared;
    struct weir__loop *loop;
    struct weir__message message;
    const struct weir__slot_share_type *type;
    const char *name; /* of what connections lead to, for "slot for NAME" */
    int waiting;      /* tasks that wait for a slot */
    int waiting_max;  /* more are refused */
};

/* Begins a share, zero but for its waiting_max. name lives as long as the share. common: what other processes
 * have of it; NULL: nothing.
 * Returns: 0; -ENOMEM; -EAGAIN no thread that listens to the others. */
int weir__slot_share_open(struct weir__slot_share *share, const struct weir__slot_share_type *type,
                          const char *key, int max, const struct weir__slots_common *common,
                          const char *name) WEIR_CHECKED;

/* Ends a share that holds no slot; harmless when it has ended. Returns: false: a message is under way; try
 * again in the next turn. */
bool weir__slot_share_close(struct weir__slot_share *share) __attribute__((warn_unused_result));

/* Waits for a slot, once none was free. *given: the connection that comes with the slot; NULL: none. Returns:
 * 0; -WEIR_EBUSY waiting_max tasks wait already; the cause of a cancel. */
int weir__slot_share_wait(struct weir__slot_share *share, void **given) WEIR_CHECKED;

static inline bool weir__slot_share_try(struct weir__slot_share *share)
{
    return weir__slots_try(&share->member);
}

static inline void weir__slot_share_give(struct weir__slot_share *share)
{
    weir__slots_give(&share->member);
}

static inline bool weir__slot_share_is_wanted(const struct weir__slot_share *share)
{
    return weir__slots_are_wanted(&share->member);
}

/* What becomes of a connection that is not used any more, but could be. */
enum weir__slot_fate {
    WEIR__SLOT_IDLE,   /* it stays here, idle */
    WEIR__SLOT_PASSED, /* a task of this loop has it */
    WEIR__SLOT_WANTED, /* it is to be closed, and its slot to be given back */
};

static inline enum weir__slot_fate weir__slot_share_release(struct weir__slot_share *share, void *connection)
{
    if (!weir__slots_are_awaited(&share->member))
        return WEIR__SLOT_IDLE;
    if (weir__slots_pass(&share->member, connection))
        return WEIR__SLOT_PASSED;
    return weir__slots_are_wanted(&share->member) ? WEIR__SLOT_WANTED : WEIR__SLOT_IDLE;
}

#endif
