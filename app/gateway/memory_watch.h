/* SPDX-License-Identifier: MIT */
/* Sees to it that requests are refused before memory runs out: a gateway that is killed for want of memory
 * loses all of them.
 *
 * Threading: opened and closed by the main thread; looks on a thread of its own.
 */
#ifndef APP_GATEWAY_MEMORY_WATCH_H
#define APP_GATEWAY_MEMORY_WATCH_H

#include <weir/error.h>
#include <weir/memory.h>

#include "config/config.h"
#include "metrics/gateway_status.h"

struct memory_watch;

/* Of a limit this much stays free: a tenth, and no more than 512 MiB. */
uint64_t memory_reserve(uint64_t limit_bytes);

/* How many requests may be in progress: those that are, and as many more as there is room for beside the
 * reserve. held: whether it was none before; then there has to be half a reserve more. */
int memory_allows(const weir_memory_use *use, int in_progress, uint64_t exchange_bytes, bool held);

/* Begins to look.
 * Owns:    config and status are lent until memory_watch_close(); root as of weir_memory_open(), copied.
 * Returns: 0; -ENOMEM, -EAGAIN no thread.
 */
WEIR_CHECKED int memory_watch_open(const struct config *config, struct gateway_status *status,
                                   const char *root, struct memory_watch **out);

/* NULL is nothing. */
void memory_watch_close(struct memory_watch *watch);

#endif
