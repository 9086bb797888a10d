/* SPDX-License-Identifier: MIT */
/* A connection whose client and backend have agreed on another protocol: WebSocket and the like.
 *
 * Threading: task of the request.
 */
#ifndef APP_ROUTES_PROXY_TUNNEL_H
#define APP_ROUTES_PROXY_TUNNEL_H

#include "routes/proxying.h"

/* Passes on a 101, p->reply, and then all bytes in both directions, until both sides have sent their last,
 * one breaks off, or none has sent any for settings.tunnel_timeout.
 * Returns: 0; -WEIR_EPROTOCOL without p->began: the 101 does not name a protocol that the client asked for;
 *          otherwise why the tunnel broke. Waits.
 */
WEIR_CHECKED int proxy_tunnel(struct proxying *p);

#endif
