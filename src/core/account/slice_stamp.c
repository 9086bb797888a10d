/* SPDX-License-Identifier: MIT */
#include "core/account/slice_stamp.h"

#include <string.h>

static uint32_t run_of(const struct weir__task *task)
{
    return atomic_load_explicit(&((struct weir__task *)(uintptr_t)task)->runs, memory_order_relaxed);
}

static const char *route_of(const struct weir__slices *s, const struct weir__task *task)
{
    if (task->activity != NULL)
        return task->activity->route;
    return s->left_by == task && s->left_run == run_of(task) ? s->left_route : NULL;
}

static const struct weir__slice *keep(struct weir__loop *loop, const struct weir__task *from, bool several,
                                      uint64_t ended)
{
    struct weir__slices *s = &loop->slices;
    struct weir__slice *slice = &s->kept[s->count++ % WEIR__SLICES_KEPT];

    slice->began = atomic_load_explicit(&loop->heartbeat.began, memory_order_relaxed);
    slice->ended = ended;
    slice->route = route_of(s, from);
    slice->several = several;
    strncpy(slice->task, from->name, sizeof slice->task - 1);
    slice->task[sizeof slice->task - 1] = '\0';
    weir__attribution_look(loop, slice);
    return slice;
}

void weir__slice_stamp_after_long(struct weir__loop *loop, struct weir__task *from, struct weir__task *to,
                                  uint64_t ticks)
{
    bool several = weir__heartbeat_is_several(&loop->heartbeat);

    weir__slice_stamp_next(loop, from, to, ticks, keep(loop, from, several, ticks));
}
