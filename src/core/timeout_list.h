/* SPDX-License-Identifier: MIT */
/* Time limits for many connections at a time: one list and one timer for each limit, because a limit is the
 * same for all who wait in it, so the one who came first runs out first.
 *
 * Threading: a patience and all in it belong to one loop.
 */
#ifndef WEIR__CORE_TIMEOUT_LIST_H
#define WEIR__CORE_TIMEOUT_LIST_H

#include <weir/time.h>

#include "base/list.h"
#include "core/loop.h"

/* One who waits. Embedded in the waiter; in at most one patience at a time. */
struct weir__patient {
    struct weir__list node;
    int64_t since_ns;
};

struct weir__patience {
    struct weir__list patients;
    struct weir__timeout timeout;
    int64_t limit_ns;
    struct weir__loop *loop;
    void (*exhausted)(struct weir__patient *p);
};

/* exhausted(p) is called on the loop's own stack, p then being in no patience. */
void weir__patience_init(struct weir__patience *patience, struct weir__loop *loop, weir_duration limit,
                         void (*exhausted)(struct weir__patient *p));

/* From now on the limit is this, if it is less; who has waited longer already has the least that is left. */
void weir__patience_shorten(struct weir__patience *patience, weir_duration limit, weir_duration least);

/* Ends the timer; who still waits is left in the list. */
void weir__patience_stop(struct weir__patience *patience);

/* Who came first; somebody must be waiting. */
static inline struct weir__patient *weir__patience_first(struct weir__patience *patience)
{
    return weir__container_of(patience->patients.next, struct weir__patient, node);
}

/* p waits here from now on, and no longer where it waited before. */
void weir__patience_enter(struct weir__patience *patience, struct weir__patient *p);

/* p waits nowhere. Harmless if it does not. */
static inline void weir__patience_leave(struct weir__patient *p)
{
    weir__list_remove(&p->node);
}

#endif
