/* SPDX-License-Identifier: MIT */
/* Total time a loop has slept, including a sleep in progress.
 *
 * Threading: the loop's thread writes; any thread may read.
 */
#ifndef WEIR__BASE_SLEEP_TOTAL_H
#define WEIR__BASE_SLEEP_TOTAL_H

#include <stdatomic.h>
#include <stdint.h>

/* In ticks. One number, so that it is read whole: with the highest bit set it is the tick at which one sleep
 * as long as all sleeps together would have begun. */
struct weir__sleep_total {
    _Atomic uint64_t ticks;
};

#define WEIR__SLEEP_TOTAL_RUNS (UINT64_C(1) << 63)

static inline void weir__sleep_total_begin(struct weir__sleep_total *s, uint64_t ticks)
{
    uint64_t slept = atomic_load_explicit(&s->ticks, memory_order_relaxed);

    atomic_store_explicit(&s->ticks, (ticks - slept) | WEIR__SLEEP_TOTAL_RUNS, memory_order_relaxed);
}

static inline void weir__sleep_total_end(struct weir__sleep_total *s, uint64_t ticks)
{
    uint64_t since = atomic_load_explicit(&s->ticks, memory_order_relaxed);

    atomic_store_explicit(&s->ticks, (ticks - since) & ~WEIR__SLEEP_TOTAL_RUNS, memory_order_relaxed);
}

/* As of the present tick. */
static inline uint64_t weir__sleep_total_at(struct weir__sleep_total *s, uint64_t ticks)
{
    uint64_t slept = atomic_load_explicit(&s->ticks, memory_order_relaxed);

    return slept & WEIR__SLEEP_TOTAL_RUNS ? (ticks - slept) & ~WEIR__SLEEP_TOTAL_RUNS : slept;
}

#endif
