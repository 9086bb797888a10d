/* SPDX-License-Identifier: MIT */
#include "http/client/origin_error.h"

#include <errno.h>

enum weir_origin_error weir__origin_error_of(int err, bool connected)
{
    switch (-err) {
    case WEIR_EDEADLINE:
    case WEIR_EIDLE:
        return WEIR_ORIGIN_DEADLINE;
    case WEIR_ECANCELED:
        return WEIR_ORIGIN_CANCELLED;
    case WEIR_EBUSY:
        return WEIR_ORIGIN_BUSY;
    case WEIR_EDNS:
        return WEIR_ORIGIN_DNS;
    case WEIR_ETLS:
        return WEIR_ORIGIN_TLS;
    case WEIR_EPROTOCOL:
        return WEIR_ORIGIN_BAD_RESPONSE;
    case WEIR_ETOOLARGE:
        return WEIR_ORIGIN_TOO_LARGE;
    case WEIR_ECONFIG: /* no authorities to check servers by */
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
        return WEIR_ORIGIN_OTHER;
    default:
        return connected ? WEIR_ORIGIN_CLOSED : WEIR_ORIGIN_CONNECT;
    }
}

const char *weir_origin_error_name(enum weir_origin_error error)
{
    static const char *const names[WEIR_ORIGIN_ERRORS] = {
        [WEIR_ORIGIN_DNS] = "dns",
        [WEIR_ORIGIN_CONNECT] = "connect",
        [WEIR_ORIGIN_TLS] = "tls",
        [WEIR_ORIGIN_CLOSED] = "closed",
        [WEIR_ORIGIN_BAD_RESPONSE] = "bad_response",
        [WEIR_ORIGIN_TOO_LARGE] = "too_large",
        [WEIR_ORIGIN_STATUS] = "status",
        [WEIR_ORIGIN_BUSY] = "busy",
        [WEIR_ORIGIN_DEADLINE] = "deadline",
        [WEIR_ORIGIN_CANCELLED] = "cancelled",
        [WEIR_ORIGIN_OTHER] = "other",
    };

    return (unsigned)error < WEIR_ORIGIN_ERRORS ? names[error] : "other";
}
