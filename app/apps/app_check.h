/* SPDX-License-Identifier: MIT */
/* The checks of applications on this machine: programs, folders and users that are not there.
 *
 * Threading: the main thread, before the loops: it blocks.
 */
#ifndef APP_APPS_APP_CHECK_H
#define APP_APPS_APP_CHECK_H

#include "config/app.h"

/* Adds a fault for each reason why a process of an application could not be started, and a warning for each
 * application that no route uses. */
void app_check(const struct config *config, struct config_faults *faults, struct config_faults *warnings);

#endif
