/* SPDX-License-Identifier: MIT */
/* Clients that are a part of something else. Threading: as state.h. */
#ifndef WEIR__HTTP_CLIENT_CLIENT_H
#define WEIR__HTTP_CLIENT_CLIENT_H

#include "http/client/state.h"

/* Makes a client in the caller's memory, without a handle.
 * Returns: 0; -EINVAL; -ENOMEM. */
int weir__client_begin(weir_client *client, const weir_client_options *options,
                       struct weir__loop *loop) WEIR_CHECKED;

/* Closes its connections and frees what belongs to it. Waits, whatever the scope says. */
void weir__client_finish(weir_client *client);

/* Ends a client that was left open when its loop has no tasks any more. Returns: whether all of it is freed;
 * false: a connection is still being closed, or a message for it is under way: to be called again after a
 * turn of the loop. */
bool weir__client_abandon(weir_client *client);

#endif
