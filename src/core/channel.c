/* SPDX-License-Identifier: MIT */
#include "core/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/handle.h"
#include "core/misuse.h"
#include "core/task.h"
#include "core/wait_queue.h"

static const struct weir__wait_class to_send = {"room in a channel", weir__queue_describe_object,
                                                .charge = WEIR_CHARGE_LOCK},
                                     to_receive = {"an item in a channel", weir__queue_describe_object,
                                                   .charge = WEIR_CHARGE_LOCK};

/* A place of the ring, by its index from the first. */
static char *place(weir_channel *c, size_t index)
{
    size_t at = c->first + index;

    return c->items + (at < c->capacity ? at : at - c->capacity) * c->item_bytes;
}

bool weir__channel_put(weir_channel *c, const void *item, bool *closed)
{
    if (c->closed)
        return *closed = true;
    if (weir__queue_serve(&c->receivers, item, NULL, c->item_bytes, false) != NULL)
        return true;
    if (c->count == c->capacity)
        return false;
    memcpy(place(c, c->count), item, c->item_bytes);
    c->count++;
    return true;
}

bool weir__channel_take(weir_channel *c, void *item, bool *closed)
{
    if (c->count == 0)
        return *closed = c->closed;
    memcpy(item, place(c, 0), c->item_bytes);
    c->first = c->first + 1 < c->capacity ? c->first + 1 : 0;
    c->count--;
    /* The place that came free goes to the sender that has waited longest. */
    if (weir__queue_serve(&c->senders, NULL, place(c, c->count), c->item_bytes, false) != NULL)
        c->count++;
    return true;
}

/* --- life --- */

static void free_channel(struct weir__handle *h)
{
    free(weir__container_of(h, struct weir_channel, handle));
}

/* The items are freed at once, the rest when a use after the close is not recognised any more. */
static bool end(struct weir__handle *h)
{
    free(weir__container_of(h, struct weir_channel, handle)->items);
    weir__handle_free(h);
    return true;
}

static const struct weir__handle_type channels = {"channels", end, free_channel};

int weir_channel_open(size_t item_bytes, size_t capacity, weir_channel **out)
{
    size_t bytes;
    weir_channel *c;

    (void)weir__calling_loop(__func__);
    if (item_bytes == 0 || capacity == 0)
        return -EINVAL;
    if (__builtin_mul_overflow(item_bytes, capacity, &bytes) || bytes > PTRDIFF_MAX) /* no object is larger */
        return -ENOMEM;
    c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ENOMEM;
    c->items = malloc(bytes);
    if (c->items == NULL) {
        free(c);
        return -ENOMEM;
    }
    c->item_bytes = item_bytes;
    c->capacity = capacity;
    weir__list_init(&c->senders);
    weir__list_init(&c->receivers);
    weir__handle_open(&c->handle, &channels, __builtin_return_address(0));
    *out = c;
    return 0;
}

void weir_channel_close(weir_channel *c)
{
    if (c == NULL)
        return;
    weir__check_loop(c->handle.loop, __func__, "a channel");
    if (!weir__list_is_empty(&c->senders) || !weir__list_is_empty(&c->receivers))
        weir__misuse(
            __func__, "on a channel that a task waits for",
            "end it with weir_channel_end(), which wakes the waiting tasks, and close it when they are done");
    weir__handle_close(&c->handle);
    end(&c->handle);
}

/* --- sending and receiving --- */

int weir_channel_send(weir_channel *c, const void *item)
{
    struct weir__task *self = weir__calling_task(__func__);
    bool closed = false;
    int err;

    weir__check_object(c->handle.loop, self->loop, __func__, "a channel");
    err = weir__wait_begin_of(self);
    if (err < 0)
        return err;
    if (weir__channel_put(c, item, &closed))
        return closed ? -WEIR_ECLOSED : 0;
    return weir__queue_wait(self, &c->senders, (void *)(uintptr_t)item, c, &to_send, __func__);
}

int weir_channel_receive(weir_channel *c, void *item)
{
    struct weir__task *self = weir__calling_task(__func__);
    bool closed = false;
    int err;

    weir__check_object(c->handle.loop, self->loop, __func__, "a channel");
    err = weir__wait_begin_of(self);
    if (err < 0)
        return err;
    if (weir__channel_take(c, item, &closed))
        return closed ? -WEIR_ECLOSED : 0;
    return weir__queue_wait(self, &c->receivers, item, c, &to_receive, __func__);
}

int weir_channel_try_send(weir_channel *c, const void *item)
{
    bool closed = false;

    weir__check_loop(c->handle.loop, __func__, "a channel");
    if (!weir__channel_put(c, item, &closed))
        return -WEIR_EBUSY;
    return closed ? -WEIR_ECLOSED : 0;
}

int weir_channel_try_receive(weir_channel *c, void *item)
{
    bool closed = false;

    weir__check_loop(c->handle.loop, __func__, "a channel");
    if (!weir__channel_take(c, item, &closed))
        return -EAGAIN;
    return closed ? -WEIR_ECLOSED : 0;
}

void weir_channel_end(weir_channel *c)
{
    weir__check_loop(c->handle.loop, __func__, "a channel");
    c->closed = true;
    while (weir__queue_serve(&c->senders, NULL, NULL, 0, true) != NULL)
        ;
    while (weir__queue_serve(&c->receivers, NULL, NULL, 0, true) != NULL)
        ;
}
