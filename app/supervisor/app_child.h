/* SPDX-License-Identifier: MIT */
/* The child process of the system that is a process of an application, with its guardian and its socket.
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_SUPERVISOR_APP_CHILD_H
#define APP_SUPERVISOR_APP_CHILD_H

#include <stdint.h>

#include <weir/process.h>
#include <weir/scope.h>

#include "apps/block.h"
#include "config/app.h"
#include "supervisor/app_lines.h"
#include "supervisor/app_place.h"

struct app_child {
    weir_process *process; /* the guardian, or what is simulated */
    int control;           /* its GUARDIAN_FD has the other end; -1: none */
    pid_t pid;             /* of the application's process */
    char socket[APP_SOCKET_BYTES];
    struct app_lines *lines;
    const struct apps_place *place;
};

/* Starts it in scope; its lines go to lines.
 * Owns:    app is lent until the function returns, place, lines and child until it has ended. The caller
 * calls app_child_forget() for a child whose process has ended, and after an error.
 * Returns: 0; as weir_process_start(); -ENAMETOOLONG the folder; -WEIR_ECLOSED the guardian ended before it
 * had started the application; -WEIR_EDEADLINE it has not within app->ready_within.
 * Waits.
 */
WEIR_CHECKED int app_child_start(weir_scope *scope, const struct apps_place *place,
                                 const struct config_app *app, uint32_t serial, struct app_lines *lines,
                                 struct app_child *child);

/* Sends a signal to the application's process. A stopped process runs on, to take it. */
void app_child_signal(struct app_child *child, int number);

/* Kills all that belongs to it. Does not wait. */
void app_child_kill(struct app_child *child);

/* Kills what it has left, once its guardian has been killed alone. Waits, whatever is cancelled, for 5 s at
 * most. */
void app_child_kill_left(const struct app_child *child);

/* Removes its socket. */
void app_child_forget(struct app_child *child);

#endif
