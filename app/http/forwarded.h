/* SPDX-License-Identifier: MIT */
/* What a proxy says of the client that it acts for: X-Forwarded-For, -Proto, -Host, and Forwarded (RFC 7239),
 * which say the same.
 *
 * Threading: pure functions over the caller's memory.
 */
#ifndef APP_HTTP_FORWARDED_H
#define APP_HTTP_FORWARDED_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>
#include <weir/http_client.h>
#include <weir/http_request.h>

#include "text/networks.h"

enum { FORWARDED_HEADERS = 4 }; /* that are added at most */

/* Memory for what is made; it is freed by its owner. take() returns NULL if there is none. */
struct proxy_memory {
    void *(*take)(void *arg, size_t bytes);
    void *arg;
};

/* What is known of a request beside its headers. */
struct proxy_request {
    const char *method, *peer, *scheme, *authority; /* as the functions weir_request_…() return them */
    enum weir_http_version version;
    const char
        *deadline; /* the value of x-weir-deadline-ms; NULL: none is sent. The client's is not passed on */
    const struct network *proxies; /* of those that are trusted, as the client is searched behind them */
    size_t proxy_count;
    bool trusted; /* the peer is one of them: what it says of the client before it is believed */
    bool has_body;
    bool continues; /* an Expect: 100-continue is passed on */
    bool own_host;  /* the client's Host is passed on */
};

/* Adds the headers to out. A trusted peer's, headers[…] that are in the request already, are continued: its
 * X-Forwarded-For, -Proto and -Host, or its Forwarded, as forwarded_choose() says. The other is made from
 * them.
 *
 * Host and scheme are said of the client, the last hop that is no trusted proxy (or the first of all). In
 * Forwarded they stand in its element, so that those of no other can be taken for them; what the peer does
 * not tell is what this gateway has seen. Of several values of X-Forwarded-Proto or -Host the last counts,
 * which is the peer's own. What cannot be said in the other form is not said: X-Forwarded-For begins behind
 * an element of Forwarded without an address, and in Forwarded such an element is "unknown".
 * Returns: the number added; -ENOMEM.
 */
WEIR_CHECKED int forwarded_add(const weir_header *headers, size_t count, const struct proxy_request *request,
                               const struct proxy_memory *memory, weir_header out[FORWARDED_HEADERS]);

#endif
