/* SPDX-License-Identifier: MIT */
/* Copies of an application's configuration: a process outlives the configuration that it was started by.
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_SUPERVISOR_APP_SETTINGS_H
#define APP_SUPERVISOR_APP_SETTINGS_H

#include "config/app.h"

/* Counted: freed when nobody holds it. */
struct app_settings {
    struct config_app app; /* all texts are copies */
    size_t holders;
    struct config_memory *memory;
};

/* Copies. The caller holds it.
 * Returns: NULL without memory. */
struct app_settings *app_settings_of(const struct config_app *app);

struct app_settings *app_settings_hold(struct app_settings *settings);

/* NULL is allowed. */
void app_settings_drop(struct app_settings *settings);

#endif
