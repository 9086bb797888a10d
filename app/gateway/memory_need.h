/* SPDX-License-Identifier: MIT */
/* What a configuration may take of memory, as far as that can be told beforehand: by measured figures of what
 * connections and requests hold. Bodies and answers of backends come on top.
 *
 * Threading: pure functions, from any thread.
 */
#ifndef APP_GATEWAY_MEMORY_NEED_H
#define APP_GATEWAY_MEMORY_NEED_H

#include <weir/memory.h>

#include "config/config.h"

/* What one request in progress holds, of the route that needs most; the kernel's part included. */
uint64_t memory_of_exchange(const struct config *config);

/* Adds a warning when all that the limits allow is more than there is memory for: the sum, and the key that
 * gives most of it. */
void memory_need_check(const struct config *config, const weir_memory_use *use,
                       struct config_faults *warnings);

#endif
