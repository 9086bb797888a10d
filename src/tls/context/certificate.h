/* SPDX-License-Identifier: MIT */
/* A certificate with its chain and key, as read from two files.
 *
 * Threading: immutable once loaded, but for the count; loaded by jobs of the blocking pool.
 */
#ifndef WEIR__TLS_CERTIFICATE_H
#define WEIR__TLS_CERTIFICATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "base/file.h"
#include "tls/context/fault.h"

/* The lower, the sooner a client gets it. */
enum weir__tls_rank {
    WEIR__TLS_RANK_ECDSA,
    WEIR__TLS_RANK_EDDSA,
    WEIR__TLS_RANK_RSA,
};

struct weir__tls_certificate {
    atomic_uint users;
    X509 *leaf;
    struct stack_st_X509 *chain; /* without the leaf; may be empty */
    EVP_PKEY *key;
    char *names; /* "shop.example.com, *.shop.example.com" */
    char key_words[32];
    enum weir__tls_rank rank;
    bool is_slow; /* a signature takes longer than a millisecond */
    int64_t not_before_s, not_after_s;
};

/* What tells whether the two files have changed. */
struct weir__tls_marks {
    struct weir__file_mark cert, key;
};

/* Reads a certificate and its key.
 * tried_by: what it is tried with, so that no handshake finds out what is wrong.
 * Owns:    the caller drops *out.
 * Returns: 0; -WEIR_ECONFIG; the errors of weir__file_read(); -ENOMEM. */
int weir__tls_certificate_load(const char *cert, const char *key, SSL_CTX *tried_by,
                               struct weir__tls_marks *marks, struct weir__tls_certificate **out,
                               struct weir__tls_fault *fault) WEIR_CHECKED;

struct weir__tls_certificate *weir__tls_certificate_share(struct weir__tls_certificate *c);
void weir__tls_certificate_drop(struct weir__tls_certificate *c); /* NULL is fine */

/* Whether both are the same, their chains included. */
bool weir__tls_certificate_is_same(const struct weir__tls_certificate *a,
                                   const struct weir__tls_certificate *b);

/* Says whether it has expired, or is not valid yet. Returns: 0: it is valid; -WEIR_ECONFIG, with words. */
int weir__tls_certificate_check_time(const struct weir__tls_certificate *c, const char *path,
                                     struct weir__tls_fault *fault) WEIR_CHECKED;

#endif
