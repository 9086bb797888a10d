/* SPDX-License-Identifier: MIT */
/* Waiting for the peer's end: the lower transport waits for its own, unless close_notify comes before. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "tls/transport/inside.h"

struct poll {
    struct weir__io_op op; /* of the lower transport */
    struct weir__io_op *above;
    struct weir__list node; /* in the connection's polls */
    int32_t result;         /* > 0: whatever the lower one says */
};

/* Returns: the events for which what has happened is enough; 0: none. A peer that has sent close_notify may still
 * receive: in TLS 1.3 by the letter, in TLS 1.2 in practice. */
static int32_t events_of(const struct weir__tls *t, uint16_t events)
{
    if (t->error != 0)
        return events == 0 ? POLLHUP : POLLRDHUP | POLLHUP;
    if (!t->ended)
        return 0;
    if (events != 0)
        return POLLRDHUP;
    return t->notified ? POLLHUP : 0;
}

static void ended(struct weir__io_op *op)
{
    struct poll *p = weir__container_of(op, struct poll, op);
    struct weir__io_op *above = p->above;

    above->result = p->result > 0 ? p->result : op->result;
    weir__list_remove(&p->node);
    free(p);
    above->done(above);
}

bool weir__tls_poll_submit(struct weir__tls *t, struct weir__io_op *above)
{
    struct poll *p;

    above->result = events_of(t, above->events);
    if (above->result > 0)
        return true;
    p = calloc(1, sizeof *p);
    if (p == NULL) {
        above->result = -ENOMEM;
        return true;
    }
    p->op = (struct weir__io_op){.type = WEIR__IO_POLL, .events = above->events, .done = ended};
    p->above = above;
    if (t->lower->type->submit(t->lower, &p->op)) {
        above->result = p->op.result;
        free(p);
        return true;
    }
    weir__list_push_back(&t->polls, &p->node);
    return false;
}

void weir__tls_poll_cancel(struct weir__tls *t, const struct weir__io_op *above)
{
    weir__list_each (node, &t->polls) {
        struct poll *p = weir__container_of(node, struct poll, node);
        if (p->above == above) {
            t->lower->type->cancel(t->lower, &p->op);
            return;
        }
    }
}

void weir__tls_polls_look(struct weir__tls *t)
{
    weir__list_each (node, &t->polls) {
        struct poll *p = weir__container_of(node, struct poll, node);
        if (p->result > 0)
            continue;
        p->result = events_of(t, p->op.events);
        if (p->result > 0)
            t->lower->type->cancel(t->lower, &p->op);
    }
}
