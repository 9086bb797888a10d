/* SPDX-License-Identifier: MIT */
/* The admin address of a supervisor: the same pages as admin.h has, for all gateway processes together. Each
 * process has its own pages on a private Unix socket, which are asked, 200 ms each; a page says which process
 * has not answered. Totals of processes that have ended stay, so that no counter ever decreases.
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_ADMIN_ADMIN_OF_MANY_H
#define APP_ADMIN_ADMIN_OF_MANY_H

#include <weir/error.h>
#include <weir/scope.h>

#include "admin/admin_supervisor.h"
#include "config/config.h"

struct admin_of_many;

/* Begins to answer at the admin address of the configuration, if it has one, and logs that it listens. Tasks
 * run in scope.
 * Owns:    supervisor is copied; config is lent until the next admin_of_many_configure(). *out is the
 * caller's, which closes it before scope.
 * Returns: 0; as weir_server_open(); -ENOMEM.
 * Where:   task. Waits.
 */
WEIR_CHECKED int admin_of_many_open(weir_scope *scope, const struct config *config,
                                    const struct admin_supervisor *supervisor, struct admin_of_many **out);

/* Puts another configuration into force: routes, pools and backends come and go, totals stay; the admin
 * address may be another. Also called from within admin_supervisor.reload.
 * Returns: 0; an error of admin_of_many_open(), and the old address, and configuration, stay.
 * Where:   task. Waits.
 */
WEIR_CHECKED int admin_of_many_configure(struct admin_of_many *admin, const struct config *config);

/* A process has been told to end: takes its totals, if it still answers, and keeps them. (Those that a
 * process leaves behind as it ends are found without this.)
 * Cancel:  gives up: nothing is taken.
 * Where:   task. Waits for 200 ms at most, and for those that retire before it.
 */
void admin_of_many_retire(struct admin_of_many *admin, const struct admin_process *process);

/* A process has ended: what it had counted is taken from its last totals or, if it has left none, from memory
 * (metrics/cells_left.h).
 * Owns:    counts, a descriptor, is taken over.
 * Where:   task. Does not wait.
 */
void admin_of_many_ended(struct admin_of_many *admin, const struct admin_process *process, int counts);

/* Stops to answer. NULL does nothing.
 * Where:   task. Waits.
 */
void admin_of_many_close(struct admin_of_many *admin);

#endif
