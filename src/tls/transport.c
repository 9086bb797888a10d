/* SPDX-License-Identifier: MIT */
#include "tls/transport.h"

#include <errno.h>

int weir__tls_stack(weir_stream *s, weir_tls *tls, const char *host, const char *session_key)
{
    (void)s;
    (void)tls;
    (void)host;
    (void)session_key;
    return -ENOSYS;
}

int weir__tls_handshake(weir_stream *s)
{
    (void)s;
    return 0;
}

const char *weir__tls_why(const weir_stream *s)
{
    (void)s;
    return NULL;
}

int weir_stream_start_tls(weir_stream *s, weir_tls *tls, const char *host)
{
    return weir__tls_stack(s, tls, host, NULL);
}

int weir_stream_handshake(weir_stream *s)
{
    return weir__tls_handshake(s);
}

int weir_stream_tls_info(weir_stream *s, weir_tls_info *info)
{
    (void)s;
    (void)info;
    return -ENOTCONN;
}

const char *weir_stream_tls_why(const weir_stream *s)
{
    return weir__tls_why(s);
}
