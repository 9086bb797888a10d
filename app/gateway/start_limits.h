/* SPDX-License-Identifier: MIT */
/* The limits of the file against those of this process: descriptors and memory.
 *
 * Threading: the main thread, before the loops.
 */
#ifndef APP_GATEWAY_START_LIMITS_H
#define APP_GATEWAY_START_LIMITS_H

#include "config/config.h"

/* Raises the number of descriptors this process may have to what it may raise it to. */
void start_raise_files(void);

/* Adds a warning for each limit of the file that this process has not the means for, a fault where it has not
 * what it takes to start. root as of
 * weir_memory_open(). */
void start_limits_check(const struct config *config, const char *root, struct config_faults *faults,
                        struct config_faults *warnings);

#endif
