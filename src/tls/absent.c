/* SPDX-License-Identifier: MIT */
/* Until the transport of TLS is there: no stream has TLS. */
#include <errno.h>

#include "tls/transport.h"

__attribute__((weak)) bool weir__tls_is_on(const weir_stream *s)
{
    (void)s;
    return false;
}

__attribute__((weak)) bool weir__tls_is_agreed(const weir_stream *s)
{
    (void)s;
    return false;
}

__attribute__((weak)) int weir__tls_info(const weir_stream *s, weir_tls_info *info)
{
    (void)s;
    (void)info;
    return -ENOTCONN;
}

__attribute__((weak)) int weir__tls_take_off(weir_stream *s)
{
    (void)s;
    return -EINVAL;
}
