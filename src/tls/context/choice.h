/* SPDX-License-Identifier: MIT */
/* The choice of a server's certificate, by the name that a client asks for (SNI, RFC 6066), and by what it
 * supports.
 *
 * Threading: immutable once made.
 */
#ifndef WEIR__TLS_CHOICE_H
#define WEIR__TLS_CHOICE_H

#include <stddef.h>

#include <openssl/ssl.h>

#include "tls/context/certificate.h"

/* A name, in lower case and perhaps with a wildcard, and the number of a certificate for it. */
struct weir__tls_choice_name {
    const char *name;
    size_t at;
};

struct weir__tls_choice {
    struct weir__tls_certificate **certificates; /* in the order of the options; lent */
    size_t count;
    struct weir__tls_choice_name *names; /* sorted */
    size_t name_count, name_room;
};

/* Returns: 0; -ENOMEM. */
int weir__tls_choice_init(struct weir__tls_choice *choice, struct weir__tls_certificate **certificates,
                          size_t count) WEIR_CHECKED;
void weir__tls_choice_free(struct weir__tls_choice *choice);

/* Lets connections of ctx choose. choice is lent to it. */
void weir__tls_choice_install(SSL_CTX *ctx, struct weir__tls_choice *choice);

#endif
