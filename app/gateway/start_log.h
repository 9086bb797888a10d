/* SPDX-License-Identifier: MIT */
/* What is logged of a start: what runs, within which limits, and the warnings of the file.
 *
 * Threading: a task of the first loop, before it accepts.
 */
#ifndef APP_GATEWAY_START_LOG_H
#define APP_GATEWAY_START_LOG_H

#include "config/config.h"

/* Logs "starting" with the version, the kernel interface, loops, pools and limits; then a line for each
 * warning, with its place when the configuration is a file's. */
void start_log(const struct config *config, const struct config_faults *warnings, bool places);

#endif
