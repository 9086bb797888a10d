/* SPDX-License-Identifier: MIT */
/* Tells systemd how the service is (sd_notify(3)): a datagram to the socket that NOTIFY_SOCKET names.
 *
 * Threading: the main thread. Nothing here waits.
 */
#ifndef APP_SUPERVISOR_NOTIFY_H
#define APP_SUPERVISOR_NOTIFY_H

#include <weir/time.h>

struct notify; /* NULL wherever it is taken: nobody wants to be told */

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and removes them from the environment.
 * Returns: NULL: they are not set, or there is no memory. */
struct notify *notify_new(void);
void notify_free(struct notify *n);

/* status: a line for 'systemctl status'; lent. */
void notify_ready(struct notify *n, const char *status);
void notify_reloading(struct notify *n);
void notify_stopping(struct notify *n, const char *status);
void notify_watchdog(struct notify *n);

/* Sends the latest of these, but for the watchdog's, again if the socket was full. Called now and then. */
void notify_again(struct notify *n);

/* How often notify_watchdog() is to be called; 0: never. */
weir_duration notify_watchdog_every(const struct notify *n);

#endif
