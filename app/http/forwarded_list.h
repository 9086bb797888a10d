/* SPDX-License-Identifier: MIT */
/* The lists of X-Forwarded-For and Forwarded (RFC 7239), read from their end: each element was written by the
 * proxy behind it, and what a client wrote before the first of them may be anything.
 *
 * Threading: pure functions over the caller's memory.
 */
#ifndef APP_HTTP_FORWARDED_LIST_H
#define APP_HTTP_FORWARDED_LIST_H

#include <stdbool.h>

#include <weir/buffer.h>

/* The headers by which a proxy tells of its client; NULL: it has none. */
struct forwarded_headers {
    const char *addresses;     /* X-Forwarded-For, its lines joined by ", " */
    const char *scheme, *host; /* X-Forwarded-Proto and -Host: whether there is one */
    const char *elements;      /* Forwarded, joined */
};

/* A header, its lines joined by ", ". */
struct forwarded_list {
    weir_bytes text;
    bool is_forwarded; /* of Forwarded; else of X-Forwarded-For */
};

/* Chooses the list of a trusted proxy that is read: its X-Forwarded-For where it sends that,
 * X-Forwarded-Proto or -Host, else its Forwarded. A proxy that writes the one may pass on the other as a
 * client wrote it, so that both are never mixed.
 */
struct forwarded_list forwarded_choose(const struct forwarded_headers *headers);

/* An element: whom a proxy was asked by. Everything points into the list. */
struct forwarded_hop {
    weir_bytes element;      /* as it stands there */
    weir_bytes node;         /* the value of "for", without quotation marks; empty: none */
    weir_bytes address;      /* of the node, without port and brackets; empty: it has none, as "unknown" */
    unsigned char ip[16];    /* the address, as network_address_of() writes it */
    weir_bytes host, scheme; /* "host" and "proto" of Forwarded, quoted or not; no data: not told */
};

/* Takes the last element off a list; empty ones are skipped. An element of Forwarded that is malformed ends
 * the list, since a reader that begins at its front could take what follows for a part of it.
 * Returns: false at the end.
 */
bool forwarded_last(struct forwarded_list *list, struct forwarded_hop *out);

/* What follows the last comma of X-Forwarded-Proto or -Host. Points into the value; it may be empty. */
weir_bytes forwarded_last_value(const char *value);

#endif
