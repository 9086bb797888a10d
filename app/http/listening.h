/* SPDX-License-Identifier: MIT */
/* Addresses at the start of a service: what is logged of those it listens on, and which can't be had.
 *
 * Threading: pure functions, from any thread.
 */
#ifndef APP_HTTP_LISTENING_H
#define APP_HTTP_LISTENING_H

#include <weir/error.h>

#include "config/config.h"

/* Logs "listening" with addr=HOST:PORT; what is "gateway", "admin" … */
void log_listening(const char *what, const char *address);

/* Whether an address, with a number for its host, can be listened on now: a taken port is noticed also where
 * several programs of one user would share it without knowing. Unix sockets and names are not looked at.
 * Returns: 0; -EADDRINUSE, unless that is fine; -EACCES, -EADDRNOTAVAIL, -EAFNOSUPPORT …
 * Where:   before the loops: it makes blocking calls.
 */
WEIR_CHECKED int address_probe(const struct config_address *address, bool taken_is_fine);

/* Whether the kernel refuses to listen on both: as address_collides(), and [::] takes every IPv4 address too,
 * unless this machine says otherwise. Unix sockets are not looked at. */
bool addresses_exclude(const struct config_address *a, const struct config_address *b);

/* Whether only this machine can reach it. The host is a number. */
bool address_is_local(const struct config_address *address);

/* What stands in the way of listening on the path of a Unix socket, in words that follow "unix:PATH".
 * Returns: false when nothing does.
 * Where:   as address_probe().
 */
bool unix_path_fault(const char *path, char *out, size_t room);

/* Whether somebody listens at the path of a Unix socket. Where: as address_probe(). */
bool unix_path_answers(const char *path);

/* Whether two paths lead to the same place, in however different words. */
bool unix_paths_are_one(const char *a, const char *b);

/* Writes that an address can't be listened on, why, and what helps; key: what chooses another.
 * Returns: out.
 */
const char *address_fault(char *out, size_t room, const struct config_address *address, const char *key,
                          int err);

#endif
