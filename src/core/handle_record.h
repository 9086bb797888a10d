/* SPDX-License-Identifier: MIT */
/* The record of a handle, and those of a loop: see core/handle.h.
 *
 * Threading: the loop's thread.
 */
#ifndef WEIR__CORE_HANDLE_RECORD_H
#define WEIR__CORE_HANDLE_RECORD_H

#include <stdbool.h>

#include "base/list.h"

struct weir__handle;
struct weir__loop;

enum { WEIR__HANDLES_KEPT = 64 }; /* closed ones of a loop that are recognised */

struct weir__handle_type {
    const char *many; /* "streams" */
    /* Closes what was left open. No task runs any more; the handle is not in the open ones any more. Returns:
     * false: something is under way, and end() is to be called again after a turn of the loop. */
    bool (*end)(struct weir__handle *h);
    void (*free)(struct weir__handle *h); /* frees the memory */
};

/* Embedded in what is opened. */
struct weir__handle {
    struct weir__loop *loop; /* NULL: closed */
    struct weir__list node;  /* in the open ones of the loop, later in the closed ones */
    const struct weir__handle_type *type;
    const void *opened_at; /* the return address of the public function */
};

/* Of a loop. */
struct weir__handles {
    struct weir__list open, closed; /* closed: the latest last */
    struct weir__list ending;       /* left open, and their end is under way */
    unsigned closed_count;
};

#endif
