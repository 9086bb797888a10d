/* SPDX-License-Identifier: MIT */
/* A server on all loops, for weir_server_run() and weir_serve().
 *
 * Threading: a task, except where noted.
 */
#ifndef WEIR__HTTP_SERVER_SERVER_H
#define WEIR__HTTP_SERVER_SERVER_H

#include "http/server/state.h"

/* As weir_server_run(), of a server that is all zero; weir__server_free() ends it in any case. Waits. */
int weir__server_run(struct weir__server *server, const weir_server_options *options,
                     const weir_route *routes, size_t route_count) WEIR_CHECKED;
void weir__server_free(struct weir__server *server);

/* Has every loop drain, or end its drain at once. Any thread, each once, until the server is freed. */
void weir__server_drain_outside(struct weir__server *server);
void weir__server_cut_outside(struct weir__server *server);

#endif
