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

#include "http/forwarded_list.h"
#include "text/networks.h"

enum { CLIENT_TEXT_BYTES = 46 };

/* Finds the client behind trusted proxies: of the list that forwarded_choose() takes the last address that is
 * no trusted proxy itself, since everything before it may be invented. An element without an address, or
 * malformed, ends the search: the proxy that wrote it counts as the client. What forwarded_add() makes tells
 * the same client. IPv4 addresses are written as network_address_of() does.
 * Takes:   trusted: the peers whose headers are believed.
 * Returns: false: it has none, as a peer of a Unix socket.
 */
bool client_address(const weir_request *req, const struct network *trusted, size_t count,
                    unsigned char out[16]);

/* The same, of the text of a peer and its headers. */
bool client_address_in(const char *peer, const struct forwarded_headers *headers,
                       const struct network *trusted, size_t count, unsigned char out[16]);

/* Writes the address of a client that is not the peer.
 * Returns: out; NULL: the client is the peer, or has no address.
 */
const char *client_behind(const weir_request *req, const struct network *trusted, size_t count,
                          char out[CLIENT_TEXT_BYTES]);

#endif
