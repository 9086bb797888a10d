/* SPDX-License-Identifier: MIT */
/* The faults of loops that can't be started, which say what to change.
 *
 * Threading: pure functions, from any thread.
 */
#ifndef APP_GATEWAY_START_IO_H
#define APP_GATEWAY_START_IO_H

#include "config/config.h"

/* Adds the fault for an error of weir_run() that is not its first task's. */
void start_fault_loops(const struct config *config, int err, struct config_faults *faults);

#endif
