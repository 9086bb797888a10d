/* SPDX-License-Identifier: MIT */
/* The applications of a supervisor at work, and the watch over them: a task of its own, so that they can be
 * ended after the gateway processes, and at once.
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_SUPERVISOR_APPLICATIONS_H
#define APP_SUPERVISOR_APPLICATIONS_H

#include <stdbool.h>

#include <weir/scope.h>
#include <weir/sync.h>

#include "supervisor/app_watch.h"
#include "supervisor/apps.h"

struct applications {
    struct apps *apps;       /* NULL: before the task runs, and once it has ended */
    struct app_watch *watch; /* NULL also where it can't be had */
    weir_scope *scope;       /* of their tasks */
    weir_event ending, ended;
    bool hurried;
};

/* Opens them, and starts the task that they live in, in scope.
 * Owns:    place is copied, what it points to lent until scope is closed.
 * Returns: 0; -ENOMEM.
 * Waits for a moment. */
WEIR_CHECKED int applications_open(struct applications *a, weir_scope *scope, const struct apps_place *place);

/* Starts applications that a configuration has and that do not run, and waits until a process of each is
 * ready: not for one that is broken, and no longer than APPLICATIONS_PATIENCE_S, or until *enough is not 0.
 * So the first requests do not have to wait. Waits. */
enum { APPLICATIONS_PATIENCE_S = 10 };
void applications_prepare(struct applications *a, const struct config *config, const int *enough);

/* Ends them in order. Waits. */
void applications_end(struct applications *a);

/* Ends them at once, also while they end in order. Does not wait. */
void applications_hurry(struct applications *a);

#endif
