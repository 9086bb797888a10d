/* SPDX-License-Identifier: MIT */
/* The applications of a supervisor: starts their processes, keeps them running, replaces them, ends them.
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_SUPERVISOR_APPS_H
#define APP_SUPERVISOR_APPS_H

#include <stdbool.h>

#include <weir/process.h>
#include <weir/scope.h>
#include <weir/shared.h>

#include "apps/block.h"
#include "config/app.h"
#include "config/config.h"
#include "supervisor/app_place.h"
#include "text/text_out.h"

struct apps;

/* Opens without an application. Tasks run in scope, until it is cancelled; then all processes are ended.
 * Owns:    place is copied, what it points to lent until the scope is closed. The caller closes *out after
 * that.
 * Returns: 0; -ENOMEM. */
WEIR_CHECKED int apps_open(weir_scope *scope, const struct apps_place *place, struct apps **out);

/* Frees it, once its scope is closed. NULL does nothing. */
void apps_close(struct apps *apps);

/* Puts another configuration into force. Processes of applications that run alike stay as they are; for those
 * that have changed, successors get ready before their predecessors leave; those that the configuration has
 * no more stay until apps_keep(). New configurations may come while an earlier one is still being put into
 * force. Does not wait for readiness.
 * Owns:    config is lent until the function returns.
 * Returns: 0; -ENOMEM, -ENOSPC: some application can't be run; the log says which. */
int apps_configure(struct apps *apps, const struct config *config);

/* Starts the applications of a configuration that do not run, and leaves all others as they are: before it is
 * put into force. */
void apps_add(struct apps *apps, const struct config *config);

/* Ends the applications that a configuration has not: when no gateway process serves an older one. Does not
 * wait. */
void apps_keep(struct apps *apps, const struct config *config);

/* Reports whether each application of a configuration has a process that is ready, or is broken. */
bool apps_serve(const struct apps *apps, const struct config *config);

/* A gateway process has died: what it has left in the blocks is removed, beside what weir_shared_expel()
 * does. */
void apps_expel(struct apps *apps, int member);

/* Ends all processes in order: no more requests come. Waits. */
void apps_stop(struct apps *apps);

/* Calls fn for each application: how many of its processes get requests, and how many have ended unplanned.
 */
void apps_totals_each(const struct apps *apps,
                      void (*fn)(void *to, const char *app, size_t ready, uint64_t deaths), void *to);

/* Writes a line about each application whose processes are still those of an earlier configuration. */
void apps_say_replaced(const struct apps *apps, struct text_out *out);

/* Writes a JSON array of objects, one for each application, with its processes. */
void apps_status(const struct apps *apps, struct text_out *out);

/* Calls fn for each process that runs. fn must not wait. */
struct app_process_seen {
    const struct config_app *app;
    const struct app_block *block;
    size_t entry;    /* in block->processes */
    unsigned number; /* for people: shop[3] */
    pid_t pid;
};
void apps_each(const struct apps *apps, void (*fn)(void *arg, const struct app_process_seen *seen),
               void *arg);

#endif
