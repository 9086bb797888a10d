/* SPDX-License-Identifier: MIT */
/* Room for new connections at the limit of options.limits.connections, and where descriptors are used up.
 *
 * Threading: the thread of `home`.
 */
#ifndef WEIR__HTTP_SERVER_ROOM_H
#define WEIR__HTTP_SERVER_ROOM_H

#include "http/server/state.h"

void weir__room_init(struct weir__server_loop *home);
void weir__room_end(struct weir__server_loop *home);

/* A connection has been accepted. */
void weir__room_taken(struct weir__server_loop *home);

/* No connection can be accepted, for lack of a descriptor. Returns: whether one is closed for it. */
bool weir__room_no_descriptor(struct weir__server_loop *home);

/* A connection has become idle, while a loop is full. */
void weir__room_idle(struct weir__server_loop *home);

/* A connection of this loop is gone: it is counted no longer. */
void weir__room_left(struct weir__server_loop *home);

#endif
