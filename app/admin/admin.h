/* SPDX-License-Identifier: MIT */
/* The admin address: what operators and their tools ask of a running gateway. A page is one line in the table
 * of admin.c.
 *
 * Threading: pages run on the admin's own thread and runtime, so that they answer while the gateway's loops
 * are held; what they read of the gateway is atomic, or published whole.
 */
#ifndef APP_ADMIN_ADMIN_H
#define APP_ADMIN_ADMIN_H

#include <weir/error.h>

#include "config/config.h"
#include "admin/gateway_status.h"

struct admin;

/* Starts to answer on config->admin, and logs that it listens; *out is NULL when there is none.
 * Owns:    config and status are lent until admin_stop(); status->metrics is there when there is an admin.
 * Returns: 0, or why it can't listen.
 */
WEIR_CHECKED int admin_start(const struct config *config, struct gateway_status *status, struct admin **out);

/* Ends it. NULL is nothing. */
void admin_stop(struct admin *admin);

/* Whether a Host field may be asked for here: an IP address, localhost, or one of the names, ended by NULL,
 * that the file allows. A name that someone else made to lead here (DNS rebinding) is none of these.
 */
bool admin_host_is_ours(const char *host, const char *const *names);

#endif
