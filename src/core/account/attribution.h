/* SPDX-License-Identifier: MIT */
/* The attribution of time: passes what the loop does with tasks to the ledgers of their activities.
 *
 * Threading: the loop's thread.
 *
 * What comes from the kernel is seen when the kernel is polled. A task that holds the loop delays that, too:
 * an answer may have come meanwhile. So if the first poll after a time without polls finds that what an
 * activity waits for has come, the activity is taken to have been ready, not waiting, since the polls
 * stopped. A timer says itself how late it is.
 */
#ifndef WEIR__CORE_ACCOUNT_ATTRIBUTION_H
#define WEIR__CORE_ACCOUNT_ATTRIBUTION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/account/activity.h"
#include "core/loop.h"
#include "core/task_record.h"
#include "core/wait.h"

static inline struct weir__ledger *weir__attribution_ledger(const struct weir__task *task)
{
    return task->activity != NULL && task->activity->ledger.on ? &task->activity->ledger : NULL;
}

/* --- what waits are charged to --- */

/* Charges the waits of the running task to this name (which lives as long as its activity) from now on, and
 * to this kind unless the wait says more. Tasks it spawns inherit that. Returns: the attribution before, for
 * weir__attribution_back(). */
static inline struct weir__attribution weir__attribution_on(struct weir__task *self, uint8_t charge_to,
                                                            const char *name)
{
    struct weir__attribution before = self->attribution;

    self->attribution = (struct weir__attribution){name, charge_to, false};
    return before;
}

static inline void weir__attribution_back(struct weir__task *self, struct weir__attribution before)
{
    self->attribution = before;
}

/* Returns: what a wait is charged to. The task's own charge goes for waits that may be for anything. */
static inline unsigned weir__attribution_charge_to(const struct weir__task *task,
                                                   const struct weir__wait_class *wait_class)
{
    const unsigned anything =
        1u << WEIR_CHARGE_OTHER | 1u << WEIR_CHARGE_STREAM | 1u << WEIR_CHARGE_TIMER | 1u << WEIR_CHARGE_LOCK;

    return task->attribution.charge_to != 0 && (anything >> wait_class->charge & 1) != 0
               ? task->attribution.charge_to
               : wait_class->charge;
}

/* --- tasks --- */

/* The running task is about to park. */
static inline void weir__attribution_park(struct weir__task *self, const struct weir__wait_class *wait_class)
{
    struct weir__ledger *l = weir__attribution_ledger(self);

    if (l == NULL)
        return;
    self->waited.ticks = weir__loop_slice_ticks(self->loop); /* in case it is woken before it is left */
    weir__ledger_park(l, &self->waited, weir__attribution_charge_to(self, wait_class));
}

/* The parked task runs again. */
static inline void weir__attribution_unpark(struct weir__task *self,
                                            const struct weir__wait_class *wait_class)
{
    struct weir__ledger *l = weir__attribution_ledger(self);

    if (l == NULL)
        return;
    if (__builtin_expect(wait_class->charge_parts != NULL, 0))
        wait_class->charge_parts(self, l);
    else
        weir__ledger_unpark(l, &self->waited, self->attribution.name);
}

/* A parked task becomes ready, which may be later than what it waits for: it is woken by a task with another
 * activity, or after a time without polls. */
void weir__attribution_wake_exactly(struct weir__task *task, struct weir__ledger *l);

/* A parked task becomes ready. */
static inline void weir__attribution_wake(struct weir__task *task)
{
    struct weir__ledger *l = weir__attribution_ledger(task);
    const struct weir__loop *loop = task->loop;

    if (l == NULL)
        return;
    if (__builtin_expect(loop->last_poll.blind_since != 0 || weir__running(task->loop) != NULL, 0))
        weir__attribution_wake_exactly(task, l);
    else
        weir__ledger_wake(l, &task->waited, weir__loop_slice_ticks(loop));
}

static inline void weir__attribution_spawned(struct weir__task *task)
{
    struct weir__ledger *l = weir__attribution_ledger(task);

    if (l != NULL)
        weir__ledger_spawned(l);
}

/* A task is about to be spawned on the loop's own stack, for an activity whose tasks may all be waiting: that
 * ends what these waits are charged alone. */
static inline void weir__attribution_spawning(const struct weir__loop *loop, struct weir__activity *activity)
{
    struct weir__ledger *l = activity != NULL && activity->ledger.on ? &activity->ledger : NULL;

    if (l != NULL && l->active == 0)
        weir__ledger_settle(l, weir__loop_slice_ticks(loop));
}

static inline void weir__attribution_ended(struct weir__task *task)
{
    struct weir__ledger *l = weir__attribution_ledger(task);

    if (l != NULL)
        weir__ledger_ended(l);
}

/* weir__attribution_switch() between tasks with different activities. */
void weir__attribution_change(struct weir__loop *loop, struct weir__task *from, struct weir__task *to,
                              uint64_t ticks, const struct weir__slice *held);

/* The loop switches from one task to another; held: the slice that has ended, if it was long. */
static inline void weir__attribution_switch(struct weir__loop *loop, struct weir__task *from,
                                            struct weir__task *to, uint64_t ticks,
                                            const struct weir__slice *held)
{
    from->waited.ticks = ticks;
    if (from->activity != to->activity)
        weir__attribution_change(loop, from, to, ticks, held);
}

/* --- the loop --- */

/* Opens the scheduler's figures of this thread, once; they are closed with the loop. */
void weir__attribution_open(struct weir__loop *loop);
void weir__attribution_close(struct weir__loop *loop);

/* Fills in how much of a long slice the thread was off the CPU. */
void weir__attribution_look(struct weir__loop *loop, struct weir__slice *slice);

/* Reads the scheduler's figures, so that the next reading covers little more than the slice it is for. */
void weir__attribution_read_evidence(struct weir__loop *loop);

/* A turn begins: all that the last poll returned has been handled. */
static inline void weir__attribution_turn(struct weir__loop *loop)
{
    struct weir__last_poll *h = &loop->last_poll;

    if (h->polling_since == 0)
        return;
    h->polled = weir__loop_slice_ticks(loop);
    h->polling_since = h->blind_since = 0;
    if (h->polled > h->evidence_due)
        weir__attribution_read_evidence(loop);
}

/* The kernel is about to be polled. */
static inline void weir__attribution_ask(struct weir__loop *loop)
{
    struct weir__last_poll *h = &loop->last_poll;

    h->polling_since = weir__loop_slice_ticks(loop);
    h->blind_since = h->polling_since - h->polled > loop->slices.long_ticks ? h->polled : 0;
}

/* A timer fires so long after it was due; 0: it has fired. */
void weir__attribution_late_timer(struct weir__loop *loop, int64_t late_ns);

#endif
