/* SPDX-License-Identifier: MIT */
/* Application protocols (ALPN, RFC 7301). Threading: immutable once made. */
#ifndef WEIR__TLS_ALPN_H
#define WEIR__TLS_ALPN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include <weir/error.h>

/* A list as it is on the wire: each protocol behind its length. */
struct weir__alpn {
    unsigned char *wire;
    unsigned bytes; /* 0: none */
};

/* Returns: 0; -EINVAL one is empty or longer than 255, or they are more than 64 KiB; -ENOMEM. */
int weir__alpn_init(struct weir__alpn *alpn, const char *const *protocols, size_t count) WEIR_CHECKED;
void weir__alpn_free(struct weir__alpn *alpn);

/* Lets ctx agree on one. alpn is lent to it. Returns: 0; -ENOMEM. */
int weir__alpn_install(SSL_CTX *ctx, struct weir__alpn *alpn, bool is_server) WEIR_CHECKED;

#endif
