/* SPDX-License-Identifier: MIT */
/* The memory of the gateway's process: how much answers and images may hold, and what goes back to the
 * system.
 *
 * Threading: the main thread, before the loops.
 */
#ifndef APP_GATEWAY_MEMORY_LIMITS_H
#define APP_GATEWAY_MEMORY_LIMITS_H

#include <stdint.h>

#include "config/config.h"

/* Sets the budget of images: that of the file, or half of the memory there is. root: as of
 * weir_memory_open().
 * Returns: the memory that answers of backends may hold: that of the file, or a quarter of the memory, within
 * bounds.
 */
uint64_t memory_limits_set(const struct config *config, const char *root);

/* Returns large blocks to the system when they are freed. By default glibc raises the bound for large blocks
 * with the sizes it meets, up to 32 MiB, and would keep the memory of a peak of large answers forever. */
void memory_limits_trim(void);

#endif
