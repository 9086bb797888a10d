/* SPDX-License-Identifier: MIT */
/* The ledger of one activity: each instant of its time, from its beginning on, is charged to one thing.
 * <weir/charge.h> says to which.
 *
 * Threading: belongs to the loop of its activity.
 *
 * Arithmetic only: the callers that switch, park and wake tasks pass the time in ticks. Every call is O(1).
 * What several waits share is counted as in fair queueing: `shared` is the time one wait had to bear since
 * the beginning, so a wait is charged by what that grew while it lasted. The ticks that can't be divided are
 * carried on, so that nothing is lost.
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
    WEIR__CHARGE_NONE =
        WEIR_CHARGE_CATEGORIES, /* of a wait for what is charged itself: the tasks of a scope */
    WEIR__CHARGES_KEPT = 32,    /* more are merged into OTHER, the smallest first */
    WEIR__LEDGER_HELD_BYTES = 48,
};

/* The sum of the waits of one kind and name, in ticks. */
struct weir__charge {
    const char *name;
    uint64_t share, took;
    uint32_t waits;
    uint8_t charge_to; /* enum weir_charge_category */
};

/* One wait of one task. */
struct weir__ledger_wait {
    uint64_t shared;   /* of its tier, as it began */
    uint64_t ticks;    /* when the wait began; once it is over, how long it was */
    uint8_t charge_to; /* enum weir_charge_category */
};

/* The task that held the loop longest while the activity waited to be run. */
struct weir__ledger_held {
    uint64_t ticks;
    const char *route; /* lives as long as the runtime; or NULL */
    char task[WEIR__LEDGER_HELD_BYTES];
};

struct weir__ledger_name;

struct weir__ledger {
    /* for a switch, a park and a wake, in one cache line */
    uint64_t mark; /* all is charged up to here */
    uint64_t run, ready;
    uint64_t shared[2];  /* by waits for what is outside; by waits for tasks of the same activity */
    uint32_t waiting[2]; /* their numbers */
    uint32_t active;     /* tasks that run or are ready */
    uint32_t left;       /* ticks not divided yet */
    /* the rest */
    bool on;
    uint8_t name_count;
    uint8_t count, room; /* of charges */
    uint64_t began, head, queue, starved, throttled;
    struct weir__charge other;
    struct weir__charge *charges; /* one kind and name may be there several times */
    struct weir__arena *memory;
    struct weir__ledger_name *names;                   /* copied into memory */
    struct weir__ledger_held *queue_held, *ready_held; /* NULL: no task, or no memory */
};

/* Opens a ledger, otherwise all 0, at the first byte of a head. */
static inline void weir__ledger_open(struct weir__ledger *l, struct weir__arena *memory, uint64_t ticks)
{
    l->on = true;
    l->memory = memory;
    l->began = l->mark = ticks;
}

/* The head is complete, and the first task of the activity is ready. */
static inline void weir__ledger_start(struct weir__ledger *l, uint64_t ticks)
{
    if (ticks > l->mark) {
        l->head = ticks - l->mark;
        l->mark = ticks;
    }
    l->active = 1;
}

/* The first task runs: its wait so far was the queue. */
static inline void weir__ledger_begin(struct weir__ledger *l)
{
    l->queue = l->ready;
    l->ready = 0;
    l->queue_held = l->ready_held;
    l->ready_held = NULL;
}

/* The loop switches to a task of this activity. Returns: for how long none had run though one was ready. */
static inline uint64_t weir__ledger_enter(struct weir__ledger *l, uint64_t ticks)
{
    uint64_t ready = ticks - l->mark;

    l->ready += ready;
    l->mark = ticks;
    return ready;
}

/* The loop switches away from it. */
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

/* Charges the time until now, in which all tasks waited. */
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

/* The task whose wait this was runs again: charges the wait to its kind and, unless NULL, the name. A name is
 * identified by its address, not its letters. */
void weir__ledger_unpark(struct weir__ledger *l, const struct weir__ledger_wait *w, const char *name);

/* Charges a wait in two parts, of which the first took so many ticks. */
void weir__ledger_unpark_parts(struct weir__ledger *l, const struct weir__ledger_wait *w, unsigned first,
                               unsigned second, const char *name, uint64_t first_ticks);

/* Charges so many ticks as off the CPU, out of those charged last to running, or to waiting to be run. */
void weir__ledger_off_cpu(struct weir__ledger *l, bool running, uint64_t starved, uint64_t throttled);

/* Notes that a task held the loop for so many ticks; the longest counts. */
void weir__ledger_hold(struct weir__ledger *l, uint64_t ticks, const char *task, const char *route);

/* Returns: a copy of the name that lives as long as the activity, made once; NULL when there are too many. */
const char *weir__ledger_name(struct weir__ledger *l, const char *name);

/* Charges all up to now; the running task is one of the activity. Returns: the time since the beginning. */
static inline uint64_t weir__ledger_close(struct weir__ledger *l, uint64_t ticks)
{
    weir__ledger_leave(l, ticks);
    l->run += l->left;
    l->left = 0;
    return ticks - l->began;
}

/* Writes what was charged until the last close, in nanoseconds. Each kind and name is there once, and the
 * shares add up to the time since the beginning, unless waits are still under way.
 * Returns: how many were written to out, WEIR_CHARGES_MAX at most. */
size_t weir__ledger_account(struct weir__ledger *l, const struct weir__heartbeat *heartbeat,
                            struct weir_charge *out);

#endif
