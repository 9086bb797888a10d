/* SPDX-License-Identifier: MIT */
/* The loops of the gateway.
 *
 * Threading: belongs to the admin's loop.
 */
#ifndef APP_METRICS_COLLECTOR_LOOPS_H
#define APP_METRICS_COLLECTOR_LOOPS_H

#include <stddef.h>

#include <weir/runtime.h>

#include "metrics/sliding_window.h"

/* The numbers beside the meter of how late a loop is, in ns. */
enum observed_loop_number {
    OBSERVED_UP,
    OBSERVED_BUSY,
    OBSERVED_OFF_CPU, /* of that, its thread had no CPU: it was kept from it, or asleep in a call */
    OBSERVED_LOOP_NUMBERS
};

struct observed_loop {
    size_t tasks, ready; /* as last seen */
    uint64_t started;
    weir_duration up, slept, cpu;
    uint64_t busy_ns;    /* in all: see weir_loop_read() */
    uint64_t off_cpu_ns; /* of that, without a CPU */
    struct rolling *lag;
};

/* By number; all zero is none. */
struct observed_loops {
    struct observed_loop *list;
    size_t count;
};

/* Reads them all. While the runtime runs. */
void observed_loops_look(struct observed_loops *o, weir_runtime *runtime);

/* As rolling_next(). */
void observed_loops_next(struct observed_loops *o, const struct rolling_clock *clock);

void observed_loops_close(struct observed_loops *o);

/* How much of a window a loop was busy, from 0 to 1; < 0: nothing was seen of it. */
double observed_loop_busy(const struct rolling_window *w);

/* For how much of a window, from 0 to 1, it was busy, but without a CPU. */
double observed_loop_off_cpu(const struct rolling_window *w);

#endif
