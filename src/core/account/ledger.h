/* SPDX-License-Identifier: MIT */
/* The blame ledger of one piece of work: its time, from its beginning on, is charged at each instant to one
 * thing. <weir/charge.h> says to which.
 *
 * Threading: belongs to the loop of its work.
 *
 * Only arithmetic: whoever switches, parks and wakes tasks says so, with the time in ticks. All that is said
 * is O(1). What several waits share is counted as in fair queueing: `shared` is how much time one wait had to
 * bear since the beginning, so a wait is charged what that grew by while it lasted. The ticks that can't be
 * divided are carried on, so that nothing is lost.
 */
#ifndef WEIR__CORE_ACCOUNT_LEDGER_H
#define WEIR__CORE_ACCOUNT_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/charge.h>

struct weir__arena;
struct weir__heartbeat;

enum {
    WEIR__CHARGE_NONE = WEIR_CHARGE_KINDS, /* of a wait for what is charged itself: the tasks of a scope */
    WEIR__CHARGES_KEPT = 32,               /* more are put under OTHER, the smallest first */
    WEIR__LEDGER_HELD_BYTES = 48,
};

/* What waits of one kind and name came to, in ticks. */
struct weir__charge {
    const char *name;
    uint64_t share, took;
    uint32_t waits;
    uint8_t charge_to; /* enum weir_charge_kind */
};

/* One wait of one task. */
struct weir__ledger_wait {
    uint64_t shared;   /* of its tier, as it began */
    uint64_t ticks;    /* when it began; when it is over, how long it was */
    uint8_t charge_to; /* enum weir_charge_kind */
};

/* Who held the loop while the work waited to be run: the longest such time. */
struct weir__ledger_held {
    uint64_t ticks;
    const char *route; /* lives as long as the runtime; or NULL */
    char task[WEIR__LEDGER_HELD_BYTES];
};

struct weir__ledger_name;

struct weir__ledger {
    /* what a switch, a park and a wake need, in one cache line */
    uint64_t mark; /* so far all is charged */
    uint64_t run, ready;
    uint64_t shared[2];  /* by waits for what is outside; by waits for tasks of the same work */
    uint32_t waiting[2]; /* how many there are */
    uint32_t active;     /* tasks that run or are ready */
    uint32_t left;       /* ticks not divided yet */
    /* the rest */
    bool on;
    uint8_t name_count;
    uint8_t count, room; /* of charges */
    uint64_t began, head, queue, starved, throttled;
    struct weir__charge other;
    struct weir__charge *charges; /* one kind and name may stand there several times */
    struct weir__arena *memory;
    struct weir__ledger_name *names;                   /* that were copied into memory */
    struct weir__ledger_held *queue_held, *ready_held; /* NULL: nobody, or no memory */
};

/* All 0 but for this, at the first byte of a head. */
static inline void weir__ledger_open(struct weir__ledger *l, struct weir__arena *memory, uint64_t ticks)
{
    l->on = true;
    l->memory = memory;
    l->began = l->mark = ticks;
}

/* The head is whole, and the work's first task is ready. */
static inline void weir__ledger_start(struct weir__ledger *l, uint64_t ticks)
{
    if (ticks > l->mark) {
        l->head = ticks - l->mark;
        l->mark = ticks;
    }
    l->active = 1;
}

/* The first task runs: what it waited so far was the queue. */
static inline void weir__ledger_begin(struct weir__ledger *l)
{
    l->queue = l->ready;
    l->ready = 0;
    l->queue_held = l->ready_held;
    l->ready_held = NULL;
}

/* The loop turns to a task of this work. Returns: for how long none had run though one was ready. */
static inline uint64_t weir__ledger_enter(struct weir__ledger *l, uint64_t ticks)
{
    uint64_t ready = ticks - l->mark;

    l->ready += ready;
    l->mark = ticks;
    return ready;
}

/* The loop turns away from it. */
static inline void weir__ledger_leave(struct weir__ledger *l, uint64_t ticks)
{
    l->run += ticks - l->mark;
    l->mark = ticks;
}

static inline void weir__ledger_spawned(struct weir__ledger *l)
{
    l->active++;
}

static inline void weir__ledger_ended(struct weir__ledger *l)
{
    l->active--;
}

/* The tier of a wait that is charged. */
static inline int weir__ledger_tier(unsigned charge_to)
{
    return charge_to == WEIR_CHARGE_LOCK;
}

/* The running task parks; weir__ledger_leave() follows, unless it is woken at once. */
static inline void weir__ledger_park(struct weir__ledger *l, struct weir__ledger_wait *w, unsigned charge_to)
{
    int tier = weir__ledger_tier(charge_to);

    w->charge_to = (uint8_t)charge_to;
    l->active--;
    if (charge_to == WEIR__CHARGE_NONE)
        return;
    l->waiting[tier]++;
    w->shared = l->shared[tier];
}

/* All waited until now: charges that. */
void weir__ledger_settle(struct weir__ledger *l, uint64_t ticks);

/* A parked task is ready again, and has been since an earlier moment, not before l->mark. */
static inline void weir__ledger_wake_since(struct weir__ledger *l, struct weir__ledger_wait *w,
                                           uint64_t ticks, uint64_t since)
{
    w->ticks = ticks - w->ticks;
    if (l->active++ == 0)
        weir__ledger_settle(l, since);
}

static inline void weir__ledger_wake(struct weir__ledger *l, struct weir__ledger_wait *w, uint64_t ticks)
{
    weir__ledger_wake_since(l, w, ticks, ticks);
}

/* The task whose wait this was runs again: the wait is charged to its kind and, unless NULL, the name. A name
 * is a place in memory, not its letters. */
void weir__ledger_unpark(struct weir__ledger *l, const struct weir__ledger_wait *w, const char *name);

/* The same for a wait in two parts, of which the first took so many ticks. */
void weir__ledger_unpark_parts(struct weir__ledger *l, const struct weir__ledger_wait *w, unsigned first,
                               unsigned second, const char *name, uint64_t first_ticks);

/* The loop was not on the CPU for so many of the ticks charged last to running, or to waiting to be run. */
void weir__ledger_off_cpu(struct weir__ledger *l, bool running, uint64_t starved, uint64_t throttled);

/* Notes who held the loop for so many ticks; the longest counts. */
void weir__ledger_hold(struct weir__ledger *l, uint64_t ticks, const char *task, const char *route);

/* A name that lives as long as the work: the copy of this one, made once; NULL when there are too many. */
const char *weir__ledger_name(struct weir__ledger *l, const char *name);

/* Charges all up to now; the running task is the work's. Returns: how long that is since the beginning. */
static inline uint64_t weir__ledger_close(struct weir__ledger *l, uint64_t ticks)
{
    weir__ledger_leave(l, ticks);
    l->run += l->left;
    l->left = 0;
    return ticks - l->began;
}

/* What was charged until it was closed last, in nanoseconds. Each kind and name stands there once, and the
 * shares add up to the time since the beginning, unless waits are still under way.
 * Returns: how many were written to out, WEIR_CHARGES_MAX at most. */
size_t weir__ledger_account(struct weir__ledger *l, const struct weir__heartbeat *heartbeat,
                            struct weir_charge *out);

#endif
