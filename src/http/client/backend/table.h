/* SPDX-License-Identifier: MIT */
/* The instances of a backend as one loop sees them. Threading: as state.h. */
#ifndef WEIR__BACKEND_TABLE_H
#define WEIR__BACKEND_TABLE_H

#include "http/client/backend/state.h"

/* Takes over what has changed in the table of instances: idle connections to those that are gone are closed,
 * others when they are given back. */
void weir__backend_take_over(weir_backend *b);

/* The same, if anything has changed. */
static inline void weir__backend_sync(weir_backend *b)
{
    if (atomic_load_explicit(&weir__backend_common(b)->version, memory_order_acquire) != b->version)
        weir__backend_take_over(b);
}

/* The connections to an instance that is here. Returns: 0; -ENOMEM; -EAGAIN it is here no longer. */
int weir__backend_origin(weir_backend *b, int number, struct weir__origin **out) WEIR_CHECKED;

/* Returns: the number of an origin; -1: its instance is gone. */
int weir__backend_number_of(const weir_backend *b, const struct weir__origin *origin);

#endif
