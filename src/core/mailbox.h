/* SPDX-License-Identifier: MIT */
/* The inside of a mailbox, for select and for the end of a loop.
 *
 * Threading: the loop of the mailbox, but for what stands under its lock.
 */
#ifndef WEIR__CORE_MAILBOX_H
#define WEIR__CORE_MAILBOX_H

#include <stdbool.h>

#include <weir/mailbox.h>

#include "base/list.h"
#include "core/lock.h"
#include "core/loop.h"

struct weir_mailbox {
    /* the loop's */
    struct weir__list receivers;
    struct weir__loop *loop; /* NULL once closed; under the lock for senders */
    struct weir__list node;  /* in loop->mailboxes */
    struct weir__message notice;

    struct weir__lock lock;
    atomic_uint holds; /* the owner's, each weir_mailbox_hold(), and a notice on its way */
    /* locked */
    struct weir__list senders; /* that wait for room */
    size_t item_bytes, capacity, count, first;
    bool ended;
    bool is_noticed; /* the notice is on its way */
    char items[];
};

/* Takes an item, unless other tasks wait for one. Returns: true: done, or the mailbox was found ended and
 * empty, then *closed. */
bool weir__mailbox_take(weir_mailbox *m, void *item, bool *closed);

/* Closes the mailboxes that are open on a loop that ends. On its thread. */
void weir__mailboxes_close(struct weir__loop *loop);

#endif
