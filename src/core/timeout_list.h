/* SPDX-License-Identifier: MIT */
/* Time limits for many connections: one list and one timer for each limit. All entries share one duration, so
 * the list is ordered by expiry and needs one timer.
 *
 * Threading: a list and all in it belong to one loop.
 */
#ifndef WEIR__CORE_TIMEOUT_LIST_H
#define WEIR__CORE_TIMEOUT_LIST_H

#include <weir/time.h>

#include "base/list.h"
#include "core/loop.h"

/* An entry, embedded in what waits; in at most one list at a time. */
struct weir__timeout_entry {
    struct weir__list node;
    int64_t since_ns;
};

struct weir__timeout_list {
    struct weir__list entries;
    struct weir__timeout timeout;
    int64_t limit_ns;
    struct weir__loop *loop;
    void (*expired)(struct weir__timeout_entry *entry);
};

/* expired(entry) is called on the loop's own stack, when the entry is in no list any more. */
void weir__timeout_list_init(struct weir__timeout_list *list, struct weir__loop *loop, weir_duration limit,
                             void (*expired)(struct weir__timeout_entry *entry));

/* Shortens the limit, if this is less. The time of all entries begins anew. */
void weir__timeout_list_shorten(struct weir__timeout_list *list, weir_duration limit);

/* Ends the timer; entries are left in the list. */
void weir__timeout_list_stop(struct weir__timeout_list *list);

/* Returns: the oldest entry; there must be one. */
static inline struct weir__timeout_entry *weir__timeout_list_first(struct weir__timeout_list *list)
{
    return weir__container_of(list->entries.next, struct weir__timeout_entry, node);
}

/* Puts an entry into this list, from now on, and out of the one it was in. */
void weir__timeout_list_enter(struct weir__timeout_list *list, struct weir__timeout_entry *entry);

/* Takes an entry out. Harmless if it is in no list. */
static inline void weir__timeout_list_leave(struct weir__timeout_entry *entry)
{
    weir__list_remove(&entry->node);
}

#endif
