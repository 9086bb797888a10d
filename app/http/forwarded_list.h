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

/* A header, its lines joined by ", ". */
struct forwarded_list {
    weir_bytes text;
    bool is_forwarded; /* of Forwarded; else of X-Forwarded-For */
};

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
