/* SPDX-License-Identifier: MIT */
/* Checks "auth:" and its files before the start.
 *
 * Threading: the thread that checks.
 */
#ifndef APP_GATEWAY_START_AUTH_H
#define APP_GATEWAY_START_AUTH_H

#include "config/config.h"

/* Adds a fault for each file that cannot be read, or has a line that is not understood, and a warning for
 * each route that compares passwords without a rate. Blocks. */
void start_auth_check(const struct config *config, struct config_faults *faults,
                      struct config_faults *warnings);

#endif
