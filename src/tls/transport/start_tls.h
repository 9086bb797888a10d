/* SPDX-License-Identifier: MIT */
/* The transport of TLS, which stands on another one.
 *
 * Threading: as net/transport.h: the loop's thread.
 */
#ifndef WEIR__START_TLS_H
#define WEIR__START_TLS_H

#include "net/stream.h"
#include "tls/context/context.h"

/* Puts TLS on a stream that has none, of which nothing is pending. host, session_key: as
 * weir__tls_connection(). The handshake is part of the first operations.
 * Returns: 0; -EALREADY the stream has TLS; -EINVAL; -ENOMEM: the stream is as it was. */
int weir__tls_stack(weir_stream *s, weir_tls *tls, const char *host, const char *session_key) WEIR_CHECKED;

/* Waits for the handshake, as weir_stream_handshake(), of any stream. */
int weir__tls_handshake(weir_stream *s) WEIR_CHECKED;

/* As weir_stream_tls_info() and weir_stream_tls_why(), of any stream. */
int weir__tls_info(const weir_stream *s, weir_tls_info *info) WEIR_CHECKED;
const char *weir__tls_why(const weir_stream *s);

/* Whether a stream has TLS, and whether its handshake has succeeded. */
bool weir__tls_is_on(const weir_stream *s);
bool weir__tls_is_agreed(const weir_stream *s);

/* Takes TLS off a stream when the handshake failed because the peer speaks HTTP without TLS, so that it can
 * be told in plain text. Nothing may be pending; the failed operation may be telling so just now. What the
 * peer has sent so far is lost in part.
 * Returns: 0; -EINVAL the handshake did not fail, or failed otherwise; -EBUSY. */
int weir__tls_take_off(weir_stream *s) WEIR_CHECKED;

#endif
