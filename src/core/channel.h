/* SPDX-License-Identifier: MIT */
/* The inside of a channel, for select. Threading: as <weir/sync.h>. */
#ifndef WEIR__CORE_CHANNEL_H
#define WEIR__CORE_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/sync.h>

#include "base/list.h"
#include "core/handle_record.h"

struct weir_channel {
    struct weir__handle handle;
    struct weir__list senders, receivers;
    size_t item_bytes, capacity, count, first;
    char *items;
    bool closed;
};

/* Return: true: done, or the channel was found closed, then *closed. */
bool weir__channel_put(weir_channel *c, const void *item, bool *closed);
bool weir__channel_take(weir_channel *c, void *item, bool *closed);

#endif
