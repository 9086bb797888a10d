#include "core/slice.h"

#include <string.h>

#include "core/blame.h"
#include "core/loop.h"
#include "core/task.h"
#include "core/work.h"

static uint32_t run_of(const struct weir__task *task)
{
    return atomic_load_explicit(&((struct weir__task *)(uintptr_t)task)->runs, memory_order_relaxed);
}

void weir__slice_let_go(struct weir__loop *loop, const struct weir__task *self)
{
    loop->slices.left_route = self->work->route;
    loop->slices.left_by = self;
    loop->slices.left_run = run_of(self);
}

static const char *route_of(const struct weir__slices *s, const struct weir__task *task)
{
    if (task->work != NULL)
        return task->work->route;
    return s->left_by == task && s->left_run == run_of(task) ? s->left_route : NULL;
}

__attribute__((noinline, cold)) static const struct weir__slice *keep(struct weir__loop *loop,
                                                                      const struct weir__task *from,
                                                                      bool several, uint64_t ended)
{
    struct weir__slices *s = &loop->slices;
    struct weir__slice *slice = &s->kept[s->count++ % WEIR__SLICES_KEPT];

    slice->began = atomic_load_explicit(&loop->pulse.began, memory_order_relaxed);
    slice->ended = ended;
    slice->route = route_of(s, from);
    slice->several = several;
    strncpy(slice->task, from->name, sizeof slice->task - 1);
    slice->task[sizeof slice->task - 1] = '\0';
    weir__blame_look(loop, slice);
    return slice;
}

void weir__slice_stamp(struct weir__loop *loop, struct weir__task *from, struct weir__task *to)
{
    struct weir__pulse *p = &loop->pulse;
    uint64_t ticks = weir__pulse_ticks(p);
    const struct weir__slice *held = NULL;
    bool several = p->stamp_every - p->stamp_in > 1;

    if (__builtin_expect(ticks - weir__loop_slice_ticks(loop) > loop->slices.long_ticks, 0))
        held = keep(loop, from, several, ticks);
    weir__pulse_stamp(p, &to->runs, ticks);
    if (from->work != NULL || to->work != NULL)
        weir__blame_switch(loop, from, to, ticks, held);
}
