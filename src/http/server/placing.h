/* SPDX-License-Identifier: MIT */
/* Which loop a new connection is served on.
 *
 * Threading: the thread of `home`.
 */
#ifndef WEIR__HTTP_SERVER_PLACING_H
#define WEIR__HTTP_SERVER_PLACING_H

#include "http/server/state.h"
#include "net/layers.h"

/* Gives a connection that was accepted here to a loop, and counts it there. layers: what stands on it. */
void weir__connection_place(struct weir__server_loop *here, int fd, struct weir__layers layers);

void weir__placing_init(struct weir__server_loop *home);

#endif
