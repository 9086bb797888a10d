/* SPDX-License-Identifier: MIT */
/* Accepting connections for a loop that is held.
 *
 * Threading: the thread of `home`, or of the server's first loop.
 */
#ifndef WEIR__HTTP_SERVER_RESCUE_H
#define WEIR__HTTP_SERVER_RESCUE_H

#include "http/server/state.h"

int weir__rescue_open(struct weir__server_loop *home) WEIR_CHECKED;
void weir__rescue_close(struct weir__server_loop *home);

/* Stops accepting for other loops, or goes on: as the loop does at its own listeners. */
void weir__rescues_pause(struct weir__server_loop *home, bool pause);

/* Draining: accepts what waits for loops that are held, and has the kernel queue no more for them. */
void weir__rescues_drain(struct weir__server_loop *home);

/* While a server serves, the watch tells it of loops that are held. */
void weir__rescue_begin(struct weir_server *server);
void weir__rescue_end(struct weir_server *server);

#endif
