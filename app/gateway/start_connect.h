/* SPDX-License-Identifier: MIT */
/* Trying the backends that a configuration names, for 'weir check --connect'.
 *
 * Threading: a task.
 */
#ifndef APP_GATEWAY_START_CONNECT_H
#define APP_GATEWAY_START_CONNECT_H

#include "config/config.h"

/* Connects to every backend once, many at a time, and closes; a fault where a backend can't be connected to
 * within two seconds is first named. */
void start_connect(const struct config *config, struct config_faults *faults);

#endif
