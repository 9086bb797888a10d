/* SPDX-License-Identifier: MIT */
/* The address of the client that a request is from: that of the peer, or what trusted proxies say of it.
 *
 * Threading: as the request.
 */
#ifndef APP_HTTP_CLIENT_ADDRESS_H
#define APP_HTTP_CLIENT_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/http_request.h>

#include "text/networks.h"

/* Finds the client behind trusted proxies: of X-Forwarded-For the last address that is no trusted proxy
 * itself, since everything before it may be invented. An element that is no address ends the search: the
 * proxy that wrote it counts as the client. IPv4 addresses are written as network_address_of() does.
 * Takes:   trusted: the peers whose X-Forwarded-For is believed.
 * Returns: false: it has none, as a peer of a Unix socket.
 */
bool client_address(weir_request *req, const struct network *trusted, size_t count, unsigned char out[16]);

/* The same, of the text of a peer and of its X-Forwarded-For; NULL: it has none. */
bool client_address_in(const char *peer, const char *forwarded, const struct network *trusted, size_t count,
                       unsigned char out[16]);

#endif
