/* SPDX-License-Identifier: MIT */
/* Where processes find what they have in common of a backend: blocks of shared memory.
 *
 * Threading: any thread of any process.
 */
#ifndef WEIR__BACKEND_COMMON_BLOCK_H
#define WEIR__BACKEND_COMMON_BLOCK_H

#include <weir/error.h>

#include "http/client/backend/common.h"
#include "http/client/backend/settings.h"

/* Finds the block of the backend of these settings, or makes one, for this process to use. After a failure
 * there is none. Returns: 0; -ENOSPC. */
int weir__backend_common_join(weir_shared *memory, const struct weir__backend_settings *settings,
                              int64_t now_ns, struct weir__backend_common **out) WEIR_CHECKED;

/* The process uses it no longer, and has nothing of it. */
void weir__backend_common_leave(weir_shared *memory, struct weir__backend_common *c);

/* Takes the lock of the memory, until weir__shared_leave(); the table of instances is whole. */
void weir__backend_common_enter(weir_shared *memory, struct weir__backend_common *c);

/* The same by weir__shared_try_enter(). Returns: whether the lock was taken. */
bool weir__backend_common_try_enter(weir_shared *memory, struct weir__backend_common *c) WEIR_CHECKED;

#endif
