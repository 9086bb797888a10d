/* SPDX-License-Identifier: MIT */
/* Authorities that peers are verified against: those of a file, or of the system.
 *
 * They are read as a whole beforehand. OpenSSL's default folder is never looked into at a handshake, which
 * would open files there for each unknown issuer.
 *
 * Threading: immutable once loaded, but for the count; loaded by jobs of the blocking pool.
 */
#ifndef WEIR__TLS_AUTHORITIES_H
#define WEIR__TLS_AUTHORITIES_H

#include <stdatomic.h>

#include <openssl/ssl.h>

#include "base/file.h"
#include "tls/context/fault.h"

enum { WEIR__TLS_DIGEST_BYTES = 32 };

struct weir__tls_authorities {
    atomic_uint users;
    X509_STORE *store;
    struct stack_st_X509_NAME *names;             /* of a file: what a server tells its clients */
    unsigned char digest[WEIR__TLS_DIGEST_BYTES]; /* of a file: of its authorities */
};

/* Reads those of a file.
 * Owns:    the caller drops *out.
 * Returns: 0; -WEIR_ECONFIG; the errors of weir__file_read(); -ENOMEM. */
int weir__tls_authorities_load(const char *path, struct weir__file_mark *mark,
                               struct weir__tls_authorities **out,
                               struct weir__tls_fault *fault) WEIR_CHECKED;

/* Reads those of the system: of SSL_CERT_FILE and SSL_CERT_DIR of the environment, otherwise of the usual
 * places.
 * Returns: as weir__tls_authorities_load(). */
int weir__tls_authorities_load_system(struct weir__tls_authorities **out,
                                      struct weir__tls_fault *fault) WEIR_CHECKED;

struct weir__tls_authorities *weir__tls_authorities_share(struct weir__tls_authorities *a);
void weir__tls_authorities_drop(struct weir__tls_authorities *a); /* NULL is fine */

#endif
