/* SPDX-License-Identifier: MIT */
/* Waiting for the first of several. */
#include <weir/sync.h>

#include <errno.h>

#include "core/channel.h"
#include "core/fd.h"
#include "core/mailbox.h"
#include "core/misuse.h"
#include "core/task.h"
#include "core/wait_queue.h"

static const struct weir__wait_class several = {"the first of several", weir__queue_describe_several,
                                                .charge = WEIR_CHARGE_LOCK};

/* The type without the events of a descriptor. */
static int type_of(const weir_case *c)
{
    return c->type & ((1 << WEIR_ON_FD_EVENTS_SHIFT) - 1);
}

static void check(const weir_case *c, const struct weir__loop *here, const char *function)
{
    switch (type_of(c)) {
    case WEIR_ON_EVENT:
        weir__check_object(((weir_event *)c->object)->loop, here, function, "an event");
        break;
    case WEIR_ON_ACQUIRE:
        weir__check_object(((weir_semaphore *)c->object)->loop, here, function, "a semaphore");
        break;
    case WEIR_ON_SEND:
    case WEIR_ON_RECEIVE:
        weir__check_object(((weir_channel *)c->object)->handle.loop, here, function, "a channel");
        break;
    case WEIR_ON_MAIL:
        weir__check_object(((weir_mailbox *)c->object)->handle.loop, here, function, "a mailbox");
        break;
    case WEIR_ON_FD:
        weir__fd_check(c, here, function);
        break;
    default:
        weir__misuse(function, "with a case of no type", "make each weir_case with a function weir_on_…()");
    }
}

/* Tries a case. Returns: true: done, or the channel was found closed, then *closed. */
static bool try_case(const weir_case *c, bool *closed)
{
    switch (type_of(c)) {
    case WEIR_ON_EVENT:
        return ((weir_event *)c->object)->is_set;
    case WEIR_ON_ACQUIRE:
        return weir_semaphore_try(c->object);
    case WEIR_ON_SEND:
        return weir__channel_put(c->object, c->item, closed);
    case WEIR_ON_MAIL:
        return weir__mailbox_take(c->object, c->item, closed);
    case WEIR_ON_FD:
        return weir__fd_try(c);
    default:
        return weir__channel_take(c->object, c->item, closed);
    }
}

static struct weir__list *queue_of(const weir_case *c)
{
    switch (type_of(c)) {
    case WEIR_ON_EVENT:
        return weir__queue_of(&((weir_event *)c->object)->waiters);
    case WEIR_ON_ACQUIRE:
        return weir__queue_of(&((weir_semaphore *)c->object)->waiters);
    case WEIR_ON_SEND:
        return &((weir_channel *)c->object)->senders;
    case WEIR_ON_MAIL:
        return &((weir_mailbox *)c->object)->receivers;
    case WEIR_ON_FD:
        return weir__fd_queue(c);
    default:
        return &((weir_channel *)c->object)->receivers;
    }
}

static void *item_of(const weir_case *c)
{
    return type_of(c) == WEIR_ON_FD ? (void *)(uintptr_t)c : c->item;
}

int weir_select(const weir_case *cases, size_t count, bool *closed)
{
    struct weir__task *self = weir__calling_task(__func__);
    struct weir__waiter waiters[WEIR_SELECT_MAX];
    struct weir__waiting w = {.task = self, .function = __func__, .waiters = waiters, .count = count};
    bool ignored;
    int err;

    if (closed == NULL)
        closed = &ignored;
    *closed = false;
    if (count == 0 || count > WEIR_SELECT_MAX)
        return -EINVAL;
    for (size_t i = 0; i < count; i++)
        check(&cases[i], self->loop, __func__);
    err = weir__wait_begin_of(self);
    if (err < 0)
        return err;
    for (size_t i = 0; i < count; i++)
        if (try_case(&cases[i], closed))
            return (int)i;
    w.object = count == 1 ? cases[0].object : NULL;
    for (size_t i = 0; i < count; i++) {
        waiters[i] = (struct weir__waiter){.waiting = &w, .item = item_of(&cases[i])};
        weir__list_push_back(queue_of(&cases[i]), &waiters[i].node);
    }
    err = weir__queue_park(&w, &several);
    *closed = w.closed;
    return err;
}
