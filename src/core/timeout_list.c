/* SPDX-License-Identifier: MIT */
#include "core/timeout_list.h"

#include "io/io.h"

static void ran_out(struct weir__timeout *timeout)
{
    struct weir__patience *patience = weir__container_of(timeout, struct weir__patience, timeout);
    int64_t now_ns = weir__io_now_ns(patience->loop->io);

    while (!weir__list_is_empty(&patience->patients) &&
           weir__patience_first(patience)->since_ns + patience->limit_ns <= now_ns) {
        struct weir__patient *p = weir__patience_first(patience);
        weir__patience_leave(p);
        patience->exhausted(p);
    }
    if (!weir__list_is_empty(&patience->patients))
        weir__timeout_set(patience->loop, timeout,
                          weir__patience_first(patience)->since_ns + patience->limit_ns);
}

void weir__patience_init(struct weir__patience *patience, struct weir__loop *loop, weir_duration limit,
                         void (*exhausted)(struct weir__patient *p))
{
    weir__list_init(&patience->patients);
    weir__timeout_init(&patience->timeout, ran_out);
    patience->limit_ns = limit.ns;
    patience->loop = loop;
    patience->exhausted = exhausted;
}

void weir__patience_shorten(struct weir__patience *patience, weir_duration limit, weir_duration least)
{
    int64_t now_ns = weir__io_now_ns(patience->loop->io);
    int64_t since_ns;

    if (limit.ns < patience->limit_ns)
        patience->limit_ns = limit.ns;
    since_ns = now_ns + (least.ns < patience->limit_ns ? least.ns : patience->limit_ns) - patience->limit_ns;
    weir__list_each (node, &patience->patients) {
        struct weir__patient *p = weir__container_of(node, struct weir__patient, node);
        if (p->since_ns >= since_ns)
            break;
        p->since_ns = since_ns;
    }
    if (!weir__list_is_empty(&patience->patients))
        weir__timeout_set(patience->loop, &patience->timeout,
                          weir__patience_first(patience)->since_ns + patience->limit_ns);
}

void weir__patience_stop(struct weir__patience *patience)
{
    weir__timeout_cancel(patience->loop, &patience->timeout);
}

void weir__patience_enter(struct weir__patience *patience, struct weir__patient *p)
{
    weir__patience_leave(p);
    p->since_ns = weir__io_now_ns(patience->loop->io);
    weir__list_push_back(&patience->patients, &p->node);
    /* A timer that is set is never later than the first of the list runs out; it looks again then. */
    if (!weir__timer_is_set(&patience->timeout.timer))
        weir__timeout_set(patience->loop, &patience->timeout, p->since_ns + patience->limit_ns);
}
