/* SPDX-License-Identifier: MIT */
/* Which loops accept connections.
 *
 * Threading: the thread of `home`, except where noted.
 */
#ifndef WEIR__HTTP_SERVER_ACCEPTING_H
#define WEIR__HTTP_SERVER_ACCEPTING_H

#include "http/server/state.h"

void weir__accepting_init(struct weir__server_loop *home);

/* Accepts at the listeners of this loop from now on, when it is one of those that do. */
void weir__accepting_serve(struct weir__server_loop *home,
                           void (*accepted)(weir_listener *l, void *home, int fd));

/* Pauses or goes on, by what this loop is to do now. */
void weir__accepting_update(struct weir__server_loop *home);

/* Tries again at once where accepting has failed: there may be a descriptor now. */
void weir__accepting_retry(struct weir__server_loop *home);

/* While a server serves, the watch tells it of loops that are held. On the loop that opened the server. */
void weir__accepting_begin(struct weir_server *server);
void weir__accepting_end(struct weir_server *server);

#endif
