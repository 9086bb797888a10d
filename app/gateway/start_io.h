/* SPDX-License-Identifier: MIT */
/* Why loops can't be started, in words that say what to change.
 *
 * Threading: pure functions, from any thread.
 */
#ifndef APP_GATEWAY_START_IO_H
#define APP_GATEWAY_START_IO_H

#include "config/config.h"

/* Adds the fault for an error of weir_run() that its first task did not make. */
void start_fault_loops(const struct config *config, int err, struct config_faults *faults);

#endif
