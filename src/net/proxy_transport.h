/* SPDX-License-Identifier: MIT */
/* The transport that reads the header of the PROXY protocol before anything else, and tells the addresses in
 * it. What is sent and received waits for the header; without a valid one it fails with -WEIR_EPROTOCOL.
 *
 * Threading: as net/transport.h.
 */
#ifndef WEIR__PROXY_TRANSPORT_H
#define WEIR__PROXY_TRANSPORT_H

#include "net/stream.h"

/* Puts the reading of a header on what carries a stream, of which nothing has been received. known, unless
 * NULL, is called once, when the header is there and the addresses are known, from inside an operation of the
 * stream or from a later turn: it must neither use nor close the stream. A negative result takes the place of
 * a fault of the header.
 * Owns:    on success *out owns lower; on failure lower stays the caller's.
 * Returns: 0; -ENOMEM. */
int weir__proxy_transport_stack(weir_stream *s, int (*known)(weir_stream *s), struct weir__transport *lower,
                                struct weir__transport **out) WEIR_CHECKED;

/* The transport whose operations are those of t: t itself, or of this type the one below, once the header has
 * come and what came behind it is used. */
const struct weir__transport *weir__proxy_transport_through(const struct weir__transport *t);

/* Whether the header of a stream has come, or the stream needs none. */
bool weir__stream_knows_client(weir_stream *s);

/* What is wrong with the header of a stream, in words that follow "the header of the PROXY protocol:". NULL:
 * nothing, or there is no such transport. */
const char *weir__stream_proxy_fault(weir_stream *s);

#endif
