/* SPDX-License-Identifier: MIT */
/* The figures of a loop, for other threads. */
#include <weir/runtime.h>

#include <errno.h>

#include "base/clock.h"
#include "core/runtime.h"

static int64_t now_ns(const struct weir__loop *loop)
{
    return loop->heartbeat.virtual_ns != NULL ? *loop->heartbeat.virtual_ns : weir__clock_monotonic_ns();
}

static uint64_t tasks_started(const struct weir__loop *loop)
{
    uint64_t id =
        atomic_load_explicit(&((struct weir__loop *)(uintptr_t)loop)->task_id_seen, memory_order_relaxed);

    return (id + loop->task_id_step - 1 - (uint64_t)loop->index) / loop->task_id_step;
}

int weir_loop_stats_get(weir_runtime *runtime, int index, weir_loop_stats *stats)
{
    struct weir__loop *loop;

    if (index < 0 || index >= runtime->loop_count)
        return -EINVAL;
    loop = &runtime->loops[index];
    *stats = (weir_loop_stats){
        .tasks = atomic_load_explicit(&loop->tasks_seen, memory_order_relaxed),
        .ready = atomic_load_explicit(&loop->ready_seen, memory_order_relaxed),
        .started = tasks_started(loop),
        .up = {now_ns(loop) - loop->opened_ns},
        .slept = {weir__heartbeat_ns(&loop->heartbeat, weir__heartbeat_sleep_total(&loop->heartbeat))},
        .cpu = {weir__loop_cpu_ns(loop) - loop->opened_cpu_ns},
    };
    weir_meter_add(&stats->lag, &loop->lag.meter);
    return 0;
}
