/* SPDX-License-Identifier: MIT */
#include "metrics/collector_parts.h"

#include <stdlib.h>

static struct snapshot_loop *add_loop(struct snapshot *s)
{
    struct snapshot_loop *more = realloc(s->loops, (s->loop_count + 1) * sizeof *more);

    if (more == NULL)
        return NULL;
    s->loops = more;
    more[s->loop_count] = (struct snapshot_loop){.number = (int)s->loop_count};
    if (series_open(&more[s->loop_count].lag, LOOP_NUMBERS) < 0)
        return NULL;
    return &more[s->loop_count++];
}

/* How long a loop has been busy since it was last read. Some sleeps begin with work in the kernel, which
 * shows as time on the CPU. */
static int64_t newly_busy_ns(const struct snapshot_loop *loop, const weir_loop_stats *now)
{
    const int64_t up = now->up.ns - loop->up.ns;
    const int64_t awake = up - (now->slept.ns - loop->slept.ns);
    const int64_t cpu = now->cpu.ns - loop->cpu.ns;
    const int64_t busy = awake > cpu ? awake : cpu;

    return busy < 0 ? 0 : busy < up ? busy : up;
}

static void update(struct snapshot_loop *loop, const weir_loop_stats *now)
{
    const int64_t busy = newly_busy_ns(loop, now), cpu = now->cpu.ns - loop->cpu.ns;

    loop->busy_ns += (uint64_t)busy;
    loop->off_cpu_ns += busy > cpu ? (uint64_t)(busy - cpu) : 0;
    loop->tasks = now->tasks;
    loop->ready = now->ready;
    loop->started = now->started;
    loop->up = now->up;
    loop->slept = now->slept;
    loop->cpu = now->cpu;
    series_update(&loop->lag, &now->lag,
                  (uint64_t[LOOP_NUMBERS]){
                      [LOOP_UP] = (uint64_t)now->up.ns,
                      [LOOP_BUSY] = loop->busy_ns,
                      [LOOP_OFF_CPU] = loop->off_cpu_ns,
                  });
}

void collect_loops(struct snapshot *s, weir_runtime *runtime)
{
    weir_loop_stats now;

    for (size_t i = 0; weir_loop_stats_get(runtime, (int)i, &now) == 0; i++) {
        struct snapshot_loop *loop = i < s->loop_count ? &s->loops[i] : add_loop(s);
        if (loop == NULL)
            return;
        update(loop, &now);
    }
}
