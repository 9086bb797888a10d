/* SPDX-License-Identifier: MIT */
/* What processes have in common of a maximum (slots.h): how many slots each has, and how many of its tasks
 * are in a queue. Queues are each process's own; no order holds between those of two processes, but that a
 * process leaves what comes free to others that wait and have fewer.
 *
 * No wake-up is lost: a process counts a waiter in `queued` and then finds no slot free; a slot is put back,
 * and then `queued` is read. Who finds another process waiting rings it; rung, it looks (weir__slots_look()).
 * A process that was rung and has not looked for a while is deaf: it is stopped, and nobody leaves it
 * anything.
 *
 * Threading: counts are atomic. The rest, and all functions but the first two, are under the lock of the
 * slots.
 */
#ifndef WEIR__SLOTS_COMMON_H
#define WEIR__SLOTS_COMMON_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <weir/shared.h>

struct weir__slots_common {
    weir_shared *shared;              /* NULL: this process has the slots alone */
    weir_shared_count *held, *queued; /* in shared, and so is: */
    _Atomic int64_t *queued_since_ns; /* by member: the first of those queued; 0: none is */
    uint64_t were_ringing, deaf;      /* a bit for each member */
    int64_t looked_ns;                /* when these were last written */
};

/* Takes one of max slots. */
bool weir__slots_common_take(const struct weir__slots_common *c, int max) __attribute__((warn_unused_result));

/* Returns: how many of max slots no process has. */
int weir__slots_common_free(const struct weir__slots_common *c, int max);

/* Puts a slot back, and rings the process that waits longest. */
void weir__slots_common_give(const struct weir__slots_common *c);

/* Rings all that wait: a process that a slot is left to has to be rung, so that it is found out when it is
 * deaf. */
void weir__slots_common_ring_all(const struct weir__slots_common *c);

/* Counts waiters that come into the queue of this process, or leave it. */
void weir__slots_common_queue(const struct weir__slots_common *c, int more);

/* Rings all processes that have slots: they may have idle connections. */
void weir__slots_common_ask(const struct weir__slots_common *c);

/* How many waiters the other processes have, but for the deaf. */
int weir__slots_common_others(const struct weir__slots_common *c);

/* How many processes have slots, or wait for some; this one included. */
int weir__slots_common_active(const struct weir__slots_common *c);

/* Whether this process is to leave a slot to others, which have fewer and wait, when so many are free without
 * it. */
bool weir__slots_common_yields(const struct weir__slots_common *c, int free);

/* Finds out which processes are deaf. */
void weir__slots_common_look(struct weir__slots_common *c, int64_t now_ns);

#endif
