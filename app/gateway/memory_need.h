/* SPDX-License-Identifier: MIT */
/* The memory that a configuration may take, estimated from measured figures of connections and requests.
 * Bodies and answers of backends are not included.
 *
 * Threading: pure functions, from any thread.
 */
#ifndef APP_GATEWAY_MEMORY_NEED_H
#define APP_GATEWAY_MEMORY_NEED_H

#include <weir/memory.h>

#include "config/config.h"

/* The memory of a request in progress, of the route that needs most, including the kernel's part. */
uint64_t memory_of_exchange(const struct config *config);

/* Adds a warning when the limits allow more than there is memory for: it names the sum, and the key with the
 * largest part. */
void memory_need_check(const struct config *config, const weir_memory_stats *use,
                       struct config_faults *warnings);

#endif
