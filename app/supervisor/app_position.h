/* SPDX-License-Identifier: MIT */
/* A position of an application: keeps one process running, replaces it, starts it again.
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_SUPERVISOR_APP_POSITION_H
#define APP_SUPERVISOR_APP_POSITION_H

#include "supervisor/app_state.h"

/* Gives a position a task, unless it has one. If it waits before another start, it waits no longer. Returns:
 * 0; -ENOMEM; the scope's code. */
WEIR_CHECKED int app_position_open(struct app_position *position);

#endif
