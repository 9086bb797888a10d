/* SPDX-License-Identifier: MIT */
/* The headers that a proxy passes on: what it drops, what it adds, and what it refuses (RFC 9110, 7.6).
 *
 * Threading: pure functions over the caller's memory.
 *
 * Dropped in both directions are the headers of one connection: Connection and all that it names, Keep-Alive,
 * Proxy-…, TE, Trailer, Transfer-Encoding, Upgrade, HTTP2-Settings; and Content-Length, which client and
 * server write themselves. x-weir-deadline-ms of a request is made anew, or dropped. All others are passed on
 * as they came, in their order and number. In a name of these an '_' counts as a '-': programs behind CGI and
 * its like cannot tell the two apart.
 */
#ifndef APP_HTTP_PROXY_HEADERS_H
#define APP_HTTP_PROXY_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/buffer.h>
#include <weir/http_client.h>

#include "http/forwarded.h"

enum { PROXY_NAMED_MAX = 32 }; /* names in the Connection headers of a message */

/* The names that the Connection headers of a message list. */
struct proxy_named {
    weir_bytes name[PROXY_NAMED_MAX];
    size_t count;
};

struct proxy_headers {
    weir_header *header;
    size_t count;
    const char *upgrade; /* of a request: the protocols that the client asks for, but h2c; NULL: none */
    const char *fault;   /* after -EINVAL and -WEIR_EPROTOCOL: what was wrong; static */
    struct proxy_named named;
};

/* Makes the headers of the request to the backend. Added are Via; X-Forwarded-For, -Proto and -Host, and
 * Forwarded, which begin anew unless the peer is trusted; TE: trailers, if the client takes them; Host; and
 * x-weir-deadline-ms.
 * Returns: 0; -EINVAL the Connection header names what it must not: Host, what frames the message, or what is
 * added here; -ENOMEM.
 */
WEIR_CHECKED int proxy_request_headers(const weir_header *headers, size_t count,
                                       const struct proxy_request *request, const struct proxy_memory *memory,
                                       struct proxy_headers *out);

/* Makes the headers of the answer to the client, with Via. Date is the server's own.
 * Returns: 0; -WEIR_EPROTOCOL as -EINVAL of a request; -ENOMEM.
 */
WEIR_CHECKED int proxy_response_headers(const weir_reply *reply, const struct proxy_memory *memory,
                                        struct proxy_headers *out);

/* Reports whether a trailer is passed on: not a header of one connection, nor one that a proxy adds. */
bool proxy_passes_trailer(const struct proxy_named *named, const char *name);

/* The protocol that a 101 names, if it is exactly one of those that the client asked for.
 * Returns: NULL if it is not.
 */
const char *proxy_switched_to(const weir_reply *reply, const char *upgrade);

#endif
