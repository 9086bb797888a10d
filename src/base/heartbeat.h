/* SPDX-License-Identifier: MIT */
/* The heartbeat of a loop: its present slice, and when that began. A slice is what runs between two switches:
 * a task, or the loop itself between two polls of the kernel.
 *
 * Threading: the loop's thread writes; any thread may read what is atomic, through weir__heartbeat_look().
 *
 * A slice has no number. It is identified by a runner's counter, which is counted up whenever the runner
 * begins to run, and by the counter's value. Reading the clock costs as much as a switch, so where slices are
 * short only one in many is stamped. A reader that finds the present slice not stamped knows only that it
 * began later.
 */
#ifndef WEIR_BASE_HEARTBEAT_H
#define WEIR_BASE_HEARTBEAT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/sleep_total.h"

enum { WEIR__HEARTBEAT_STRIDE = 256, WEIR__HEARTBEAT_SHORT_NS = 500 };

struct weir__heartbeat {
    _Atomic uint64_t began;                     /* of the latest slice that was stamped, in ticks */
    _Atomic(_Atomic uint32_t *) stamped_runner; /* the runner whose slice it was */
    _Atomic uint32_t stamped_run;
    atomic_bool asleep; /* in the kernel, waiting for something to do */
    struct weir__sleep_total sleep_total;
    atomic_bool alarm; /* the watch sleeps until the loop wakes: on_wake() is due, once */
    void (*on_wake)(void *arg);
    void *on_wake_arg;
    /* the loop's own */
    /* Where slices are short: counts down to the next slice that is stamped. Else each slice is stamped, and
     * it counts on from -1: the number of slices. */
    int32_t stamp_in;
    uint32_t needed;            /* the number of users that need all slices stamped */
    uint64_t pace_since;        /* when that was last chosen */
    uint64_t short_ticks;       /* a slice shorter than this is not worth a stamp of its own */
    _Atomic uint32_t *loop_run; /* the counter of the loop itself */
    const int64_t *virtual_ns;  /* the clock of a simulation; NULL: the machine's */
};

/* A heartbeat as read by another thread. */
struct weir__heartbeat_view {
    _Atomic uint32_t *runner;
    uint32_t run;
    bool exact;     /* the slice began at `began`; else not before */
    uint64_t began; /* in ticks */
    bool asleep;
};

/* Returns: the time by the clock of the heartbeat, in ticks; weir__heartbeat_ns() converts a difference. */
static inline uint64_t weir__heartbeat_ticks(const struct weir__heartbeat *p)
{
    return p->virtual_ns == NULL ? weir__clock_ticks() : (uint64_t)*p->virtual_ns;
}

static inline int64_t weir__heartbeat_ns(const struct weir__heartbeat *p, uint64_t ticks)
{
    return p->virtual_ns == NULL ? weir__clock_ticks_ns(ticks) : (int64_t)ticks;
}

static inline uint64_t weir__heartbeat_ns_ticks(const struct weir__heartbeat *p, int64_t ns)
{
    return p->virtual_ns == NULL ? weir__clock_ns_ticks(ns) : (uint64_t)ns;
}

/* loop_run: the counter of the loop itself, which runs now; virtual_ns: as below. */
static inline void weir__heartbeat_init(struct weir__heartbeat *p, _Atomic uint32_t *loop_run,
                                        const int64_t *virtual_ns)
{
    *p = (struct weir__heartbeat){.loop_run = loop_run, .virtual_ns = virtual_ns, .stamp_in = -1};
    p->short_ticks = weir__heartbeat_ns_ticks(p, WEIR__HEARTBEAT_SHORT_NS);
    atomic_init(&p->began, weir__heartbeat_ticks(p));
    p->pace_since = p->began;
    atomic_init(&p->stamped_run, *loop_run);
    atomic_init(&p->stamped_runner, loop_run);
}

/* Counts a runner's counter up, as it begins to run. */
static inline void weir__heartbeat_run(_Atomic uint32_t *runner)
{
    atomic_store_explicit(runner, atomic_load_explicit(runner, memory_order_relaxed) + 1,
                          memory_order_release);
}

/* Begins another slice. Returns: whether it is to be stamped. */
static inline bool weir__heartbeat_is_stamp_due(struct weir__heartbeat *p)
{
    return --p->stamp_in <= 0;
}

static inline void weir__heartbeat_set_stamp(struct weir__heartbeat *p, _Atomic uint32_t *runner,
                                             uint64_t ticks)
{
    atomic_store_explicit(&p->began, ticks, memory_order_release);
    atomic_store_explicit(&p->stamped_run, atomic_load_explicit(runner, memory_order_relaxed),
                          memory_order_release);
    atomic_store_explicit(&p->stamped_runner, runner, memory_order_release);
}

/* Reports whether slices have ended since the last stamp without a stamp of their own. */
static inline bool weir__heartbeat_is_several(const struct weir__heartbeat *p)
{
    return p->stamp_in >= 0 && p->stamp_in < WEIR__HEARTBEAT_STRIDE - 1;
}

/* Decides by the number of slices in the time that has passed, sleep included, whether each of the next is
 * stamped. */
static inline void weir__heartbeat_take_pace(struct weir__heartbeat *p, uint64_t ticks)
{
    int32_t slices = p->stamp_in >= 0 ? WEIR__HEARTBEAT_STRIDE - p->stamp_in : -p->stamp_in - 1;
    bool fast = ticks - p->pace_since < (uint32_t)slices * p->short_ticks;

    p->stamp_in = fast && p->needed == 0 ? WEIR__HEARTBEAT_STRIDE : -1;
    p->pace_since = ticks;
}

/* Stamps the slice that begins now, of this runner, with a tick. */
static inline void weir__heartbeat_stamp(struct weir__heartbeat *p, _Atomic uint32_t *runner, uint64_t ticks)
{
    /* so many slices have been stamped, or so many have not */
    if (__builtin_expect((uint32_t)(p->stamp_in + WEIR__HEARTBEAT_STRIDE) >= WEIR__HEARTBEAT_STRIDE, 0))
        weir__heartbeat_take_pace(p, ticks);
    weir__heartbeat_set_stamp(p, runner, ticks);
}

/* Begins or ends a need for a stamp of every slice, from the end of the present one on. */
static inline void weir__heartbeat_need(struct weir__heartbeat *p, bool begins)
{
    if (!begins) {
        p->needed--;
        return;
    }
    p->needed++;
    if (p->stamp_in > 1)
        p->stamp_in = 1;
}

/* Returns: the total time the loop has slept, in ticks, including a sleep in progress. Any thread. */
static inline uint64_t weir__heartbeat_sleep_total(struct weir__heartbeat *p)
{
    return weir__sleep_total_at(&p->sleep_total, weir__heartbeat_ticks(p));
}

/* Called around a call that waits for the kernel. What the loop does after it is a new slice. */
static inline void weir__heartbeat_sleep(struct weir__heartbeat *p)
{
    weir__sleep_total_begin(&p->sleep_total, weir__heartbeat_ticks(p));
    atomic_store_explicit(&p->asleep, true, memory_order_relaxed);
}

static inline void weir__heartbeat_wake(struct weir__heartbeat *p)
{
    uint64_t ticks = weir__heartbeat_ticks(p);

    weir__sleep_total_end(&p->sleep_total, ticks);
    weir__heartbeat_run(p->loop_run);
    weir__heartbeat_stamp(p, p->loop_run, ticks);
    /* Before the alarm is read: the thread that sets the alarm reads this afterwards. */
    atomic_store(&p->asleep, false);
    if (__builtin_expect(atomic_load(&p->alarm), 0) && atomic_exchange(&p->alarm, false))
        p->on_wake(p->on_wake_arg);
}

/* Returns: where the loop stands. runner: the counter of what it runs, read just before. The view is of one moment
 * if the counter still says view->run, and the loop still runs it, when both are read again afterwards. */
static inline struct weir__heartbeat_view weir__heartbeat_look(struct weir__heartbeat *p,
                                                               _Atomic uint32_t *runner)
{
    struct weir__heartbeat_view view = {.runner = runner};

    view.run = atomic_load_explicit(runner, memory_order_acquire);
    view.exact = atomic_load_explicit(&p->stamped_runner, memory_order_acquire) == runner &&
                 atomic_load_explicit(&p->stamped_run, memory_order_acquire) == view.run;
    view.began = atomic_load_explicit(&p->began, memory_order_acquire);
    view.asleep = atomic_load_explicit(&p->asleep, memory_order_acquire);
    return view;
}

#endif
