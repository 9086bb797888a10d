/* SPDX-License-Identifier: MIT */
#include "core/spare.h"

#include <weir/fd.h>
#include <weir/sync.h>

#include "core/loop.h"
#include "core/misuse.h"
#include "core/sync.h"
#include "core/task.h"

void weir__spare_add(struct weir__loop *loop, struct weir__spare *spare)
{
    weir__list_push_back(&loop->spares, &spare->node);
}

bool weir__spare_ask(struct weir__loop *loop, struct weir__spare_want *want)
{
    struct weir__spare *oldest = NULL;
    int64_t oldest_ns = INT64_MAX;

    weir__list_each (node, &loop->spares) {
        struct weir__spare *spare = weir__container_of(node, struct weir__spare, node);
        int64_t since_ns = spare->idle_since_ns(spare);

        if (since_ns >= oldest_ns)
            continue;
        oldest = spare;
        oldest_ns = since_ns;
    }
    if (oldest == NULL)
        return false;
    weir__list_remove(&want->node);
    weir__list_push_back(&loop->spare_wants, &want->node);
    oldest->close_idle(oldest);
    return true;
}

void weir__spare_closed(struct weir__loop *loop)
{
    struct weir__list *first = weir__list_pop_front(&loop->spare_wants);
    struct weir__spare_want *want;

    if (first == NULL)
        return;
    want = weir__container_of(first, struct weir__spare_want, node);
    want->closed(want);
}

/* --- for tasks --- */

struct waiting {
    struct weir__spare_want want;
    weir_event closed;
};

static void closed(struct weir__spare_want *want)
{
    weir_event_set(&weir__container_of(want, struct waiting, want)->closed);
}

static const struct weir__wait_class making_room = {"an idle connection to be closed", NULL,
                                                    .charge = WEIR_CHARGE_OTHER};

int weir_fd_make_room(void)
{
    struct weir__task *self = weir__calling_task(__func__);
    struct waiting w = {.want.closed = closed};
    int err;

    weir__list_init(&w.want.node);
    weir_event_init(&w.closed);
    if (!weir__spare_ask(self->loop, &w.want))
        return -ENOENT;
    err = weir__event_wait(&w.closed, &making_room);
    weir__list_remove(&w.want.node);
    return err;
}

int weir__spare_await(int err)
{
    int made = weir__spare_helps(err) ? weir_fd_make_room() : -ENOENT;

    return made == -ENOENT ? err : made;
}
