/* SPDX-License-Identifier: MIT */
/* Which route a request is for; and the routes of a server, made ready for that.
 *
 * Threading: routes are immutable once the server serves. Nothing waits.
 */
#ifndef WEIR__HTTP_SERVER_ROUTING_H
#define WEIR__HTTP_SERVER_ROUTING_H

#include "http/server/state.h"

/* Compiles the routes of a server; `routes` stays the caller's, and stays there.
 * Returns: 0; -EINVAL one lacks a path or a handler; -WEIR_ECONFIG a path can't be understood, which is
 *          logged; -ENOMEM. In any case weir__routes_free() ends them. */
int weir__routes_compile(struct weir_server *server, const weir_route *routes, size_t count) WEIR_CHECKED;
void weir__routes_free(struct weir_server *server);

/* Finds a request's route by its head, and the route's parameters; or refuses it.
 * Returns: 0; -ENOMEM. */
int weir__exchange_find_route(struct weir__exchange *x) WEIR_CHECKED;

/* Finds the route that a request would have with another path, in normal form. Returns: NULL: there is none.
 */
const struct weir__route *weir__route_at(const struct weir__exchange *x, weir_bytes normal);

#endif
