/* SPDX-License-Identifier: MIT */
/* The checks of applications on this machine: programs, folders and users that are not there.
 *
 * Threading: the main thread, before the loops: it blocks.
 */
#ifndef APP_APPS_APP_CHECK_H
#define APP_APPS_APP_CHECK_H

#include "config/app.h"

/* Adds a fault for each reason why a process of an application could not be started. Looks users up, which
 * blocks for as long as the system's database of users takes, and keeps what they are in the applications.
 * Returns: 0; -WEIR_ECONFIG with faults. */
WEIR_CHECKED int app_check(const struct config *config, struct config_faults *faults);

/* Adds a warning for each application that no route uses. */
void app_check_idle(const struct config *config, struct config_faults *warnings);

#endif
