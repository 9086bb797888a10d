/* SPDX-License-Identifier: MIT */
/* Addresses at the start of a service: the log line of each, and the reasons why one can't be listened on.
 *
 * Threading: pure functions, from any thread.
 */
#ifndef APP_HTTP_LISTENING_H
#define APP_HTTP_LISTENING_H

#include <weir/error.h>

#include "config/config.h"

/* Logs "listening" with addr=HOST:PORT. what: "gateway", "admin" … */
void log_listening(const char *what, const char *address);

/* Tries whether an address, whose host is a number, can be listened on now. A port is also taken when another
 * program of this user would share it (SO_REUSEPORT). Unix sockets and names are not tried.
 * Returns: 0; -EADDRINUSE, unless taken_is_fine; -EACCES, -EADDRNOTAVAIL, -EAFNOSUPPORT …
 * Where:   before the loops: it makes blocking calls.
 */
WEIR_CHECKED int address_probe(const struct config_address *address, bool taken_is_fine);

/* Reports whether the kernel refuses to listen on both: as address_collides(), and [::] takes every IPv4
 * address, too, unless bindv6only is set. Unix sockets don't count. */
bool addresses_exclude(const struct config_address *a, const struct config_address *b);

/* Reports whether only this machine can reach the address. The host is a number. */
bool address_is_local(const struct config_address *address);

/* Writes why the path of a Unix socket can't be listened on, in words that follow "unix:PATH".
 * Returns: false when it can.
 * Where:   as address_probe().
 */
bool unix_path_fault(const char *path, char *out, size_t room);

/* Reports whether a program listens at the path of a Unix socket.
 * Where:   as address_probe(). */
bool unix_path_answers(const char *path);

/* Reports whether two paths lead to the same place, however they are spelt. */
bool unix_paths_are_one(const char *a, const char *b);

/* Writes that an address can't be listened on, why, and what helps. key: the key or option for another
 * address.
 * Returns: out.
 */
const char *address_fault(char *out, size_t room, const struct config_address *address, const char *key,
                          int err);

#endif
