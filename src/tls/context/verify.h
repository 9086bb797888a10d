/* SPDX-License-Identifier: MIT */
/* The verification of a peer's certificate, and in words what is wrong with it. Threading: as the SSL. */
#ifndef WEIR__TLS_VERIFY_H
#define WEIR__TLS_VERIFY_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include <weir/error.h>

/* Lets connections of ctx verify their peers, and note what is wrong. */
void weir__tls_verify_install(SSL_CTX *ctx, bool is_server);

/* Sets what the certificate of a server must be for: a name, without a dot at its end, or an address.
 * Returns: 0; -EINVAL it is neither; -ENOMEM. */
int weir__tls_verify_host(SSL *ssl, const char *host) WEIR_CHECKED;

#endif
