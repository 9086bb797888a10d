/* SPDX-License-Identifier: MIT */
/* The stamp with which a slice begins: so frequent that all of it is inlined.
 *
 * Threading: the loop's thread.
 */
#ifndef WEIR__CORE_ACCOUNT_SLICE_STAMP_H
#define WEIR__CORE_ACCOUNT_SLICE_STAMP_H

#include "core/account/activity.h"
#include "core/account/attribution.h"
#include "core/account/slice.h"
#include "core/loop.h"
#include "core/task_record.h"

static inline void weir__slice_stamp_next(struct weir__loop *loop, struct weir__task *from,
                                          struct weir__task *to, uint64_t ticks,
                                          const struct weir__slice *held)
{
    weir__heartbeat_stamp(&loop->heartbeat, &to->runs, ticks);
    weir__attribution_switch(loop, from, to, ticks, held);
}

/* weir__slice_stamp_next() after a long slice, which is kept. */
void weir__slice_stamp_after_long(struct weir__loop *loop, struct weir__task *from, struct weir__task *to,
                                  uint64_t ticks);

/* Ends the slice of `from`, which is kept if it was long, and stamps that of `to`. */
static inline void weir__slice_stamp_switch(struct weir__loop *loop, struct weir__task *from,
                                            struct weir__task *to)
{
    uint64_t ticks = weir__heartbeat_ticks(&loop->heartbeat);

    if (__builtin_expect(ticks - weir__loop_slice_ticks(loop) > loop->slices.long_ticks, 0))
        weir__slice_stamp_after_long(loop, from, to, ticks);
    else
        weir__slice_stamp_next(loop, from, to, ticks, NULL);
}

/* Notes that the running task lets go of its activity; its slice may yet turn out to be long. */
static inline void weir__slice_stamp_let_go(struct weir__loop *loop, struct weir__task *self)
{
    loop->slices.left_route = self->activity->route;
    loop->slices.left_by = self;
    loop->slices.left_run = atomic_load_explicit(&self->runs, memory_order_relaxed);
}

#endif
