/* SPDX-License-Identifier: MIT */
/* Addresses at the start of a service: what is logged of those it listens on, and which can't be had.
 *
 * Threading: pure functions, from any thread.
 */
#ifndef APP_LISTENING_H
#define APP_LISTENING_H

#include <weir/error.h>

#include "config.h"

/* Logs "listening" with addr=HOST:PORT; what is "gateway", "admin" … */
void log_listening(const char *what, const char *address);

/* Whether an address can be listened on now: a taken port is noticed also where several programs of one user
 * would share it without knowing. Unix sockets and names are not looked at.
 * Returns: 0; -EADDRINUSE, -EACCES, -EADDRNOTAVAIL …
 * Where:   before the loops: it makes blocking calls.
 */
WEIR_CHECKED int address_probe(const struct config_address *address);

#endif
