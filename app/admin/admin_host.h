/* SPDX-License-Identifier: MIT */
/* The names by which the admin address may be asked for: IP addresses, localhost, and those that the
 * configuration allows. A name that someone else made to lead here (DNS rebinding) is none of these.
 *
 * Threading: any thread.
 */
#ifndef APP_ADMIN_ADMIN_HOST_H
#define APP_ADMIN_ADMIN_HOST_H

#include <stdbool.h>

#include <weir/http_server.h>

/* Whether a Host field may be asked for; names: the allowed ones, ended by NULL. */
bool admin_host_is_ours(const char *host, const char *const *names);

/* Answers a request for another with 403.
 * Returns: as weir_respond_fault().
 */
int admin_host_refuse(weir_response *res, const char *host);

#endif
