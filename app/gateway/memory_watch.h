/* SPDX-License-Identifier: MIT */
/* Refuses requests before memory runs out, since a gateway that the kernel kills loses all of them.
 *
 * Threading: opened and closed by the main thread; the watch runs on a thread of its own.
 */
#ifndef APP_GATEWAY_MEMORY_WATCH_H
#define APP_GATEWAY_MEMORY_WATCH_H

#include <weir/error.h>
#include <weir/memory.h>

#include "config/config.h"
#include "metrics/gateway_status.h"

struct memory_watch;

/* The part of a limit that stays free: a tenth, at most 512 MiB. */
uint64_t memory_reserve(uint64_t limit_bytes);

/* The number of requests that may be in progress: those that are, and as many more as there is room for
 * beside the reserve. held: no more were allowed before; then there must be room for half a reserve more. */
int memory_allows(const weir_memory_stats *use, int in_progress, uint64_t exchange_bytes, bool held);

/* Starts the watch.
 * Owns:    config and status are lent until memory_watch_close(); root as of weir_memory_open(), copied.
 * Returns: 0; -ENOMEM, -EAGAIN no thread.
 */
WEIR_CHECKED int memory_watch_open(const struct config *config, struct gateway_status *status,
                                   const char *root, struct memory_watch **out);

/* Stops the watch. NULL is allowed. */
void memory_watch_close(struct memory_watch *watch);

#endif
