/* SPDX-License-Identifier: MIT */
/* Checks that the file of the access log can be opened, without making it. Whether a FIFO has a reader shows
 * when it is opened for good: to open and close it would end a reader that waits for its writer.
 *
 * Threading: the thread that checks a configuration.
 */
#ifndef APP_GATEWAY_START_ACCESS_LOG_H
#define APP_GATEWAY_START_ACCESS_LOG_H

#include "config/config.h"

void start_access_log_check(const struct config *config, struct config_faults *faults);

/* Writes the path and what was expected of it. Returns: out. */
const char *start_access_log_expected(const struct config *config, char out[FAULT_TEXT_BYTES]);

/* Says why the file could not be opened, which failed with err. */
const char *start_access_log_why(const struct config *config, int err);

#endif
