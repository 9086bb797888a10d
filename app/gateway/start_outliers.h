/* SPDX-License-Identifier: MIT */
/* The check of the folder for outliers.
 *
 * Threading: the main thread, before the loops.
 */
#ifndef APP_GATEWAY_START_OUTLIERS_H
#define APP_GATEWAY_START_OUTLIERS_H

#include "config/config.h"

/* Adds a fault if files can't be written there. No file is made. */
void start_outliers_check(const struct config *config, struct config_faults *faults);

#endif
