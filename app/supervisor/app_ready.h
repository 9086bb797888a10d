/* SPDX-License-Identifier: MIT */
/* Waiting until a process of an application is ready.
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_SUPERVISOR_APP_READY_H
#define APP_SUPERVISOR_APP_READY_H

#include "config/app.h"

/* Waits until a process accepts connections at its socket and, if the application has a path for it, answers
 * 2xx or 3xx to a GET. Connections that it makes are closed.
 * Takes:   *status: of the last answer; 0: none came yet.
 * Returns: 0; the scope's code.
 * Cancel:  ends the wait. */
WEIR_CHECKED int app_ready_wait(const struct config_app *app, const char *socket, int *status);

#endif
