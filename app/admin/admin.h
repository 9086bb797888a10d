/* SPDX-License-Identifier: MIT */
/* The admin address: what operators and their tools ask of a running gateway.
 *
 * Threading: started and stopped by one thread that is no loop. Pages run on the admin's own thread and
 * runtime, so that they answer while the gateway's loops are held; what they read of the gateway is atomic,
 * or published whole.
 */
#ifndef APP_ADMIN_ADMIN_H
#define APP_ADMIN_ADMIN_H

#include <weir/error.h>

#include "config/config.h"
#include "metrics/gateway_status.h"

struct admin;

/* Starts to answer on config->admin, and logs that it listens; *out is NULL when there is none.
 * Owns:    config and status are lent until admin_stop(); status->requests is set when there is an admin.
 * Takes:   elsewhere: an address that is used instead of config->admin, and not logged; NULL: none.
 * Returns: 0, or why it can't listen.
 */
WEIR_CHECKED int admin_start(const struct config *config, struct gateway_status *status,
                             const char *elsewhere, struct admin **out);

/* Leaves the totals of a process that ends beside the socket of its pages, for its supervisor. NULL, or a
 * process without a supervisor, is nothing.
 * Where:   a task of the gateway, after its last exchange, while its runtime runs. Waits for a second at
 * most, also when it is cancelled. */
void admin_leave_totals(struct admin *admin);

/* Stops to answer. NULL is nothing. */
void admin_stop(struct admin *admin);

#endif
