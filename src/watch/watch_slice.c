/* SPDX-License-Identifier: MIT */
/* The slice a loop is in, and what its thread has spent so far. */
#include <time.h>

#include "base/clock.h"
#include "base/fence.h"
#include "core/task.h"
#include "watch/watch_inside.h"

static _Atomic uint32_t *runner_of(struct weir__loop *loop)
{
    struct weir__task *task = atomic_load_explicit(&loop->running, memory_order_acquire);

    return task != NULL ? &task->runs : &loop->scheduler->runs;
}

bool weir__watch_is_same(struct weir__watched *x)
{
    weir__fence(memory_order_acquire);
    return runner_of(x->loop) == x->runner && atomic_load_explicit(x->runner, memory_order_acquire) == x->run;
}

bool weir__watch_see(struct weir__loop *loop, struct weir__heartbeat_view *view)
{
    *view = weir__heartbeat_look(&loop->heartbeat, runner_of(loop));
    return runner_of(loop) == view->runner &&
           atomic_load_explicit(view->runner, memory_order_acquire) == view->run;
}

int64_t weir__watch_cpu_ns(const struct weir__watched *x)
{
    struct timespec t = {0};

    (void)clock_gettime(x->loop->cpu_clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct weir__evidence weir__watch_read_evidence(struct weir__watched *x)
{
    struct weir__off_cpu_time off = weir__off_cpu_look(&x->off_cpu);

    return (struct weir__evidence){.at_ns = weir__clock_monotonic_ns(),
                                   .cpu_ns = weir__watch_cpu_ns(x),
                                   .starved_ns = x->evidence.starved_ns + (int64_t)off.starved_ns,
                                   .throttled_ns = x->evidence.throttled_ns + (int64_t)off.throttled_ns};
}

void weir__watch_begin_slice(struct weir__watched *x, const struct weir__heartbeat_view *view,
                             const struct weir__evidence *evidence)
{
    uint64_t ticks = weir__clock_ticks();

    weir__capture_cancel(&x->capture);
    x->runner = view->runner;
    x->run = view->run;
    x->exact = view->exact;
    x->same = x->reported = x->dismissed = false;
    x->began_ticks = view->began;
    x->first = *evidence;
    x->began_ns = evidence->at_ns;
    x->before = *evidence;
    if (!view->exact)
        return;
    if (ticks > view->began)
        x->began_ns -= weir__clock_ticks_ns(ticks - view->began);
    x->before = x->evidence;
}
