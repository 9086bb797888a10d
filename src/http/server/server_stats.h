/* SPDX-License-Identifier: MIT */
/* The registry of servers, which statistics are read from by any thread.
 *
 * Threading: a task.
 */
#ifndef WEIR__HTTP_SERVER_SERVER_STATS_H
#define WEIR__HTTP_SERVER_SERVER_STATS_H

#include "http/server/state.h"

/* From one to the other the server's loops are read by any thread. */
void weir__server_register(struct weir__server *server);
void weir__server_unregister(struct weir__server *server);

#endif
