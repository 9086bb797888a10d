/* SPDX-License-Identifier: MIT */
/* Descriptors that a loop can do without: those of connections that lie idle. Where descriptors are used up,
 * the connection that is idle longest is closed, and what needs a descriptor tries once more.
 *
 * Threading: the loop's.
 */
#ifndef WEIR__CORE_SPARE_H
#define WEIR__CORE_SPARE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include <weir/error.h>

#include "base/list.h"

struct weir__loop;

/* Embedded in what keeps idle connections on a loop. Ends when its node is removed. */
struct weir__spare {
    struct weir__list node; /* in loop->spares */
    /* Returns: since when the connection that close_idle() would close is idle; INT64_MAX: there is none. */
    int64_t (*idle_since_ns)(struct weir__spare *spare);
    /* Closes it. weir__spare_closed() follows, perhaps before the return. */
    void (*close_idle)(struct weir__spare *spare);
};

/* Embedded in what needs a descriptor. Ends when its node, initialised by its owner, is removed. */
struct weir__spare_want {
    struct weir__list node; /* in loop->spare_wants */
    void (*closed)(struct weir__spare_want *want);
};

void weir__spare_add(struct weir__loop *loop, struct weir__spare *spare);

/* Closes the connection that is idle longest; want->closed() is called once when a descriptor of the loop has
 * come free, perhaps before the return. Returns: false: none is idle. */
bool weir__spare_ask(struct weir__loop *loop, struct weir__spare_want *want);

/* A connection is closed, and its descriptor is free: one that is wanted is told of. */
void weir__spare_closed(struct weir__loop *loop);

/* After the error of a call in a task: if descriptors are used up, closes the connection that is idle
 * longest, and waits until that is done. Returns: 0: the call may be tried once more; err: it is not of that
 * kind, or none is idle; or the scope's code. */
int weir__spare_await(int err) WEIR_CHECKED;

/* Reports whether an error says that descriptors are used up. */
static inline bool weir__spare_helps(int err)
{
    return err == -EMFILE || err == -ENFILE;
}

#endif
