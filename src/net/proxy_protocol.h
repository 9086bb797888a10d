/* SPDX-License-Identifier: MIT */
/* The header of the PROXY protocol, versions 1 and 2: who is connected to the proxy that is connected to us
 * (HAProxy, "The PROXY protocol, Versions 1 & 2").
 *
 * Threading: pure functions.
 */
#ifndef WEIR__PROXY_PROTOCOL_H
#define WEIR__PROXY_PROTOCOL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include <weir/error.h>

enum {
    WEIR__PROXY_V1_BYTES_MAX = 107,       /* with its end of line */
    WEIR__PROXY_V2_BYTES_MAX = 16 + 4096, /* the protocol allows 64 KiB behind the first 16 bytes */
    WEIR__PROXY_BYTES_MAX = WEIR__PROXY_V2_BYTES_MAX,
};

/* An address of TCP; of AF_UNIX, whose paths are not kept, the family alone. */
union weir__proxy_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct weir__proxy_header {
    bool real; /* the addresses are those of the connection itself: LOCAL, UNKNOWN, UNSPEC */
    union weir__proxy_address client, server; /* unless real */
};

/* Reads a header at the beginning of data. Nothing behind the header is looked at.
 * Returns: the length of the header, *out is set; 0 more is needed; -WEIR_EPROTOCOL it is none, *fault says
 *          why, in a literal. */
int weir__proxy_header_parse(const char *data, size_t len, struct weir__proxy_header *out,
                             const char **fault) WEIR_CHECKED;

socklen_t weir__proxy_address_len(const union weir__proxy_address *address);

#endif
