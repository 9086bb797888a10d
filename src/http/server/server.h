/* SPDX-License-Identifier: MIT */
/* A server on all loops, between opening and closing it.
 *
 * Threading: as <weir/http_server.h>.
 */
#ifndef WEIR__HTTP_SERVER_SERVER_H
#define WEIR__HTTP_SERVER_SERVER_H

#include "http/server/state.h"

/* Waits until the server has drained, whatever is cancelled. A task of the loop that opened it. */
void weir__server_await(weir_server *server);

#endif
