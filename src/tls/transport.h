/* SPDX-License-Identifier: MIT */
/* The transport of TLS, which stands on another one.
 *
 * Threading: as net/transport.h.
 */
#ifndef WEIR__TLS_TRANSPORT_H
#define WEIR__TLS_TRANSPORT_H

#include "net/stream.h"
#include "tls/context.h"

extern const struct weir__transport_type weir__tls_type;

/* Puts TLS on a stream that has none, of which nothing is pending. host, session_key: as
 * weir__tls_connection(). The handshake is part of the first operations.
 * Returns: 0; -EINVAL; -ENOMEM: the stream is as it was. */
int weir__tls_stack(weir_stream *s, weir_tls *tls, const char *host, const char *session_key) WEIR_CHECKED;

/* Waits for the handshake, as weir_stream_handshake(), of any stream. */
int weir__tls_handshake(weir_stream *s) WEIR_CHECKED;

/* As weir_stream_tls_why(), of any stream. */
const char *weir__tls_why(const weir_stream *s);

#endif
