/* SPDX-License-Identifier: MIT */
#include "metrics/collector_loops.h"

#include <stdbool.h>
#include <stdlib.h>

static struct observed_loop *add(struct observed_loops *o)
{
    struct observed_loop *more = realloc(o->list, (o->count + 1) * sizeof *more);
    struct rolling *lag = rolling_new(OBSERVED_LOOP_NUMBERS);

    if (more != NULL)
        o->list = more;
    if (more == NULL || lag == NULL) {
        rolling_free(lag);
        return NULL;
    }
    more[o->count] = (struct observed_loop){.lag = lag};
    return &more[o->count++];
}

/* Since it was last seen. Some sleeps begin with work in the kernel, which its time on the CPU gives away. */
static int64_t newly_busy_ns(const struct observed_loop *seen, const weir_loop_stats *now)
{
    int64_t up = now->up.ns - seen->up.ns;
    int64_t awake = up - (now->slept.ns - seen->slept.ns);
    int64_t cpu = now->cpu.ns - seen->cpu.ns;
    int64_t busy = awake > cpu ? awake : cpu;

    return busy < 0 ? 0 : busy < up ? busy : up;
}

static void see(struct observed_loop *seen, const weir_loop_stats *now)
{
    const int64_t busy = newly_busy_ns(seen, now), cpu = now->cpu.ns - seen->cpu.ns;

    seen->busy_ns += (uint64_t)busy;
    seen->off_cpu_ns += busy > cpu ? (uint64_t)(busy - cpu) : 0;
    seen->tasks = now->tasks;
    seen->ready = now->ready;
    seen->started = now->started;
    seen->up = now->up;
    seen->slept = now->slept;
    seen->cpu = now->cpu;
    rolling_see(seen->lag, &now->lag,
                (uint64_t[OBSERVED_LOOP_NUMBERS]){
                    [OBSERVED_UP] = (uint64_t)now->up.ns,
                    [OBSERVED_BUSY] = seen->busy_ns,
                    [OBSERVED_OFF_CPU] = seen->off_cpu_ns,
                });
}

void observed_loops_look(struct observed_loops *o, weir_runtime *runtime)
{
    weir_loop_stats now;

    for (size_t i = 0; weir_loop_read(runtime, (int)i, &now) == 0; i++) {
        struct observed_loop *seen = i < o->count ? &o->list[i] : add(o);
        if (seen == NULL)
            return; /* no memory: not seen this time */
        see(seen, &now);
    }
}

void observed_loops_next(struct observed_loops *o, const struct rolling_clock *clock)
{
    for (size_t i = 0; i < o->count; i++)
        rolling_next(o->list[i].lag, clock);
}

void observed_loops_close(struct observed_loops *o)
{
    for (size_t i = 0; i < o->count; i++)
        rolling_free(o->list[i].lag);
    free(o->list);
}

static double share_of(const struct rolling_window *w, enum observed_loop_number number)
{
    uint64_t up = w->numbers[OBSERVED_UP];

    return up > 0 ? (double)w->numbers[number] / (double)up : -1;
}

double observed_loop_busy(const struct rolling_window *w)
{
    return share_of(w, OBSERVED_BUSY);
}

double observed_loop_off_cpu(const struct rolling_window *w)
{
    return share_of(w, OBSERVED_OFF_CPU);
}
