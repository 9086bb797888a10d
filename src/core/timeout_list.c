/* SPDX-License-Identifier: MIT */
#include "core/timeout_list.h"

#include "io/io.h"

static void fire(struct weir__timeout *timeout)
{
    struct weir__timeout_list *list = weir__container_of(timeout, struct weir__timeout_list, timeout);
    int64_t now_ns = weir__io_now_ns(list->loop->io);

    while (!weir__list_is_empty(&list->entries) &&
           weir__timeout_list_first(list)->since_ns + list->limit_ns <= now_ns) {
        struct weir__timeout_entry *entry = weir__timeout_list_first(list);
        weir__timeout_list_leave(entry);
        list->expired(entry);
    }
    if (!weir__list_is_empty(&list->entries))
        weir__timeout_set(list->loop, timeout, weir__timeout_list_first(list)->since_ns + list->limit_ns);
}

void weir__timeout_list_init(struct weir__timeout_list *list, struct weir__loop *loop, weir_duration limit,
                             void (*expired)(struct weir__timeout_entry *entry))
{
    weir__list_init(&list->entries);
    weir__timeout_init(&list->timeout, fire);
    list->limit_ns = limit.ns;
    list->loop = loop;
    list->expired = expired;
}

void weir__timeout_list_shorten(struct weir__timeout_list *list, weir_duration limit)
{
    int64_t now_ns = weir__io_now_ns(list->loop->io);

    if (limit.ns < list->limit_ns)
        list->limit_ns = limit.ns;
    weir__list_each (node, &list->entries)
        weir__container_of(node, struct weir__timeout_entry, node)->since_ns = now_ns;
    if (!weir__list_is_empty(&list->entries))
        weir__timeout_set(list->loop, &list->timeout, now_ns + list->limit_ns);
}

void weir__timeout_list_stop(struct weir__timeout_list *list)
{
    weir__timeout_cancel(list->loop, &list->timeout);
}

void weir__timeout_list_enter(struct weir__timeout_list *list, struct weir__timeout_entry *entry)
{
    weir__timeout_list_leave(entry);
    entry->since_ns = weir__io_now_ns(list->loop->io);
    weir__list_push_back(&list->entries, &entry->node);
    /* A timer that is set is never later than the expiry of the first entry; it looks again then. */
    if (!weir__timer_is_set(&list->timeout.timer))
        weir__timeout_set(list->loop, &list->timeout, entry->since_ns + list->limit_ns);
}
