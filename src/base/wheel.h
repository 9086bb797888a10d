/* SPDX-License-Identifier: MIT */
/* A hierarchical timing wheel: setting and cancelling a timer are O(1), however many there are.
 *
 * Threading: no locks; a wheel belongs to one loop.
 *
 * Time is counted in ticks of 2^16 ns (65.5 µs). A timer never fires early and, if the wheel is advanced in
 * time, at most one tick late. Level n has 64 slots of 64^n ticks. A timer waits on the level of the highest
 * group of six bits in which its tick differs from the present one, and moves down when that group is
 * reached. So the lowest level in use holds the next timer, and all timers of one tick are always in one
 * slot, in the order in which they were set.
 */
#ifndef WEIR_BASE_WHEEL_H
#define WEIR_BASE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

#define WEIR__WHEEL_TICK_BITS 16
#define WEIR__WHEEL_SLOT_BITS 6
#define WEIR__WHEEL_SLOTS (1 << WEIR__WHEEL_SLOT_BITS)
#define WEIR__WHEEL_LEVELS 8

struct weir__timer {
    struct weir__list node;
    int64_t expires_ns;
    uint16_t place; /* level and slot, or none when it is due */
};

/* 8 KiB; must not be moved in memory once initialised. */
struct weir__wheel {
    uint64_t tick;   /* every timer up to this one has been handed out or is in due */
    size_t count;    /* timers set and not yet expired */
    uint32_t in_use; /* one bit per level that has a timer */
    uint64_t slots_in_use[WEIR__WHEEL_LEVELS];
    struct weir__list due; /* set for the past: expire at the next advance */
    struct weir__list slots[WEIR__WHEEL_LEVELS][WEIR__WHEEL_SLOTS];
};

void weir__wheel_init(struct weir__wheel *w, int64_t now_ns);

void weir__timer_init(struct weir__timer *t);

/* Reports whether a timer is set: until it is cancelled or taken out of the list of expired timers. */
static inline bool weir__timer_is_set(const struct weir__timer *t)
{
    return !weir__list_is_empty(&t->node);
}

/* Sets t to expire at expires_ns, or moves it there if it is set (also if it has expired but was not yet
 * taken out of the list). INT64_MAX never expires; the past expires at the next advance. */
void weir__wheel_set(struct weir__wheel *w, struct weir__timer *t, int64_t expires_ns);

/* Cancels t, even if it is in a list of expired timers already. Harmless if it is not set. */
void weir__wheel_cancel(struct weir__wheel *w, struct weir__timer *t);

/* Returns: when to call weir__wheel_advance() next: never later than the tick at which the next timer expires,
 * perhaps earlier, but each call at that time makes progress; INT64_MAX if nothing will ever expire. */
int64_t weir__wheel_next_ns(const struct weir__wheel *w);

/* Moves all timers that expire by now_ns behind those in expired, ordered by expires_ns, equal ones as they
 * were set. A now_ns before an earlier one moves only what was set for the past. */
void weir__wheel_advance(struct weir__wheel *w, int64_t now_ns, struct weir__list *expired);

#endif
