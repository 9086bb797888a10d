/* SPDX-License-Identifier: MIT */
#include "core/timeout_list.h"

#include "io/io.h"

static void ran_out(struct weir__timeout *timeout)
{
    struct weir__timeout_list *timeouts = weir__container_of(timeout, struct weir__timeout_list, timeout);
    int64_t now_ns = weir__io_now_ns(timeouts->loop->io);

    while (!weir__list_is_empty(&timeouts->entries) &&
           weir__timeout_list_first(timeouts)->since_ns + timeouts->limit_ns <= now_ns) {
        struct weir__timeout_entry *p = weir__timeout_list_first(timeouts);
        weir__timeout_list_leave(p);
        timeouts->exhausted(p);
    }
    if (!weir__list_is_empty(&timeouts->entries))
        weir__timeout_set(timeouts->loop, timeout,
                          weir__timeout_list_first(timeouts)->since_ns + timeouts->limit_ns);
}

void weir__timeout_list_init(struct weir__timeout_list *timeouts, struct weir__loop *loop,
                             weir_duration limit, void (*exhausted)(struct weir__timeout_entry *p))
{
    weir__list_init(&timeouts->entries);
    weir__timeout_init(&timeouts->timeout, ran_out);
    timeouts->limit_ns = limit.ns;
    timeouts->loop = loop;
    timeouts->exhausted = exhausted;
}

void weir__timeout_list_shorten(struct weir__timeout_list *timeouts, weir_duration limit, weir_duration least)
{
    int64_t now_ns = weir__io_now_ns(timeouts->loop->io);
    int64_t since_ns;

    if (limit.ns < timeouts->limit_ns)
        timeouts->limit_ns = limit.ns;
    since_ns = now_ns + (least.ns < timeouts->limit_ns ? least.ns : timeouts->limit_ns) - timeouts->limit_ns;
    weir__list_each (node, &timeouts->entries) {
        struct weir__timeout_entry *p = weir__container_of(node, struct weir__timeout_entry, node);
        if (p->since_ns >= since_ns)
            break;
        p->since_ns = since_ns;
    }
    if (!weir__list_is_empty(&timeouts->entries))
        weir__timeout_set(timeouts->loop, &timeouts->timeout,
                          weir__timeout_list_first(timeouts)->since_ns + timeouts->limit_ns);
}

void weir__timeout_list_stop(struct weir__timeout_list *timeouts)
{
    weir__timeout_cancel(timeouts->loop, &timeouts->timeout);
}

void weir__timeout_list_enter(struct weir__timeout_list *timeouts, struct weir__timeout_entry *p)
{
    weir__timeout_list_leave(p);
    p->since_ns = weir__io_now_ns(timeouts->loop->io);
    weir__list_push_back(&timeouts->entries, &p->node);
    /* A timer that is set is never later than the first of the list runs out; it looks again then. */
    if (!weir__timer_is_set(&timeouts->timeout.timer))
        weir__timeout_set(timeouts->loop, &timeouts->timeout, p->since_ns + timeouts->limit_ns);
}
