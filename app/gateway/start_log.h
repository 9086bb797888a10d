/* SPDX-License-Identifier: MIT */
/* The log lines of a start: version, loops, pools, limits, and the warnings of the file.
 *
 * Threading: a task of the first loop, before it accepts.
 */
#ifndef APP_GATEWAY_START_LOG_H
#define APP_GATEWAY_START_LOG_H

#include "config/config.h"

/* Logs "starting" with the version, the kernel interface, loops, pools and limits, then a line for each
 * warning. places: with their places, as for a file. */
void start_log(const struct config *config, const struct config_faults *warnings, bool places);

#endif
