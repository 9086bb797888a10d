/* SPDX-License-Identifier: MIT */
/* Compares the limits of the file with those of this process: descriptors and memory.
 *
 * Threading: the main thread, before the loops.
 */
#ifndef APP_GATEWAY_START_LIMITS_H
#define APP_GATEWAY_START_LIMITS_H

#include "config/config.h"

/* Raises the limit of descriptors to its hard limit. */
void start_raise_files(void);

/* Adds a warning for each limit of the file that exceeds the means of this process, and a fault when they
 * don't suffice to start. root: as of weir_memory_open(). */
void start_limits_check(const struct config *config, const char *root, struct config_faults *faults,
                        struct config_faults *warnings);

#endif
