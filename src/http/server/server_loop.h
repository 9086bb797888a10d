/* SPDX-License-Identifier: MIT */
/* A server on one loop.
 *
 * Threading: the thread of `home`, except where noted.
 */
#ifndef WEIR__HTTP_SERVER_SERVER_LOOP_H
#define WEIR__HTTP_SERVER_SERVER_LOOP_H

#include "http/server/state.h"

/* Opens `count` listeners; the server's first loop before all others. In any case weir__server_loop_close()
 * ends it.
 * Returns: 0; -ENOMEM; -WEIR_ECONFIG options.setup failed; as weir_listener_open(), which is logged. */
int weir__server_loop_open(struct weir__server_loop *home, const weir_listener_options *listeners,
                           size_t count) WEIR_CHECKED;

/* Serves until the drain, drains, and ends the background tasks of this loop. A cancel has no effect. Waits.
 */
void weir__server_loop_run(struct weir__server_loop *home);
/* Ends what is left, and calls teardown. Waits for background tasks. */
void weir__server_loop_close(struct weir__server_loop *home);

/* A loop accepts no more, or never did. Any loop of the server. */
void weir__server_loop_stopped(struct weir_server *server);

#endif
