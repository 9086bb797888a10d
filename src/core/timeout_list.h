/* SPDX-License-Identifier: MIT */
/* Time limits for many connections at a time: one list and one timer for each limit, because a limit is the
 * same for all who wait in it, so the one who came first runs out first.
 *
 * Threading: a timeouts and all in it belong to one loop.
 */
#ifndef WEIR__CORE_TIMEOUT_LIST_H
#define WEIR__CORE_TIMEOUT_LIST_H

#include <weir/time.h>

#include "base/list.h"
#include "core/loop.h"

/* One who waits. Embedded in the waiter; in at most one timeouts at a time. */
struct weir__timeout_entry {
    struct weir__list node;
    int64_t since_ns;
};

struct weir__timeout_list {
    struct weir__list entries;
    struct weir__timeout timeout;
    int64_t limit_ns;
    struct weir__loop *loop;
    void (*exhausted)(struct weir__timeout_entry *p);
};

/* exhausted(p) is called on the loop's own stack, p then being in no timeouts. */
void weir__timeout_list_init(struct weir__timeout_list *timeouts, struct weir__loop *loop,
                             weir_duration limit, void (*exhausted)(struct weir__timeout_entry *p));

/* From now on the limit is this, if it is less; who has waited longer already has the least that is left. */
void weir__timeout_list_shorten(struct weir__timeout_list *timeouts, weir_duration limit,
                                weir_duration least);

/* Ends the timer; who still waits is left in the list. */
void weir__timeout_list_stop(struct weir__timeout_list *timeouts);

/* Who came first; somebody must be waiting. */
static inline struct weir__timeout_entry *weir__timeout_list_first(struct weir__timeout_list *timeouts)
{
    return weir__container_of(timeouts->entries.next, struct weir__timeout_entry, node);
}

/* p waits here from now on, and no longer where it waited before. */
void weir__timeout_list_enter(struct weir__timeout_list *timeouts, struct weir__timeout_entry *p);

/* p waits nowhere. Harmless if it does not. */
static inline void weir__timeout_list_leave(struct weir__timeout_entry *p)
{
    weir__list_remove(&p->node);
}

#endif
