/* SPDX-License-Identifier: MIT */
/* The inside of a mailbox, for select.
 *
 * Threading: the loop of the mailbox, but for what stands under its lock.
 */
#ifndef WEIR__CORE_MAILBOX_H
#define WEIR__CORE_MAILBOX_H

#include <stdbool.h>

#include <weir/mailbox.h>

#include "base/list.h"
#include "core/handle_record.h"
#include "core/lock.h"
#include "core/loop.h"

struct weir_mailbox {
    /* the loop's */
    struct weir__handle handle;
    struct weir__list receivers;
    struct weir__message notice;
    bool is_owned; /* the owner's hold is not given back yet: at the close the closed handles take it over */

    struct weir__lock lock;
    atomic_uint holds; /* the owner's, each weir_mailbox_hold(), and a notice on its way */
    /* locked */
    struct weir__loop *loop;   /* where the notice goes; meaningless once ended */
    struct weir__list senders; /* that wait for room */
    size_t item_bytes, capacity, count, first;
    bool ended;
    bool is_noticed; /* the notice is on its way */
    char *items;     /* NULL once closed */
};

/* Takes an item, unless other tasks wait for one. Returns: true: done, or the mailbox was found ended and
 * empty, then *closed. */
bool weir__mailbox_take(weir_mailbox *m, void *item, bool *closed);

#endif
