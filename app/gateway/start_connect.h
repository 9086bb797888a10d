/* SPDX-License-Identifier: MIT */
/* Connecting to the backends of a configuration, for 'weir check --connect'.
 *
 * Threading: a task.
 */
#ifndef APP_GATEWAY_START_CONNECT_H
#define APP_GATEWAY_START_CONNECT_H

#include "config/config.h"

/* Connects to every backend once, many at a time, and closes. A backend that can't be connected to within two
 * seconds becomes a fault at its first place in the file. */
void start_connect(const struct config *config, struct config_faults *faults);

#endif
