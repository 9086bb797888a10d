/* SPDX-License-Identifier: MIT */
/* What belongs to the SSL of a connection, and ends with it.
 *
 * Threading: as the SSL: one loop, or one job that the loop waits for.
 */
#ifndef WEIR__TLS_CONNECTION_RECORD_H
#define WEIR__TLS_CONNECTION_RECORD_H

#include "tls/context/context.h"

struct weir__tls_content;

struct weir__tls_connection {
    weir_tls *tls;                     /* held */
    struct weir__tls_content *content; /* shared */
    const char *host;                  /* of a client: what is checked; else NULL */
    const char *session_key;           /* of a client: whom sessions are kept for; else NULL */
    /* found out by a callback of OpenSSL; NULL: nothing */
    char *why;
    enum weir_tls_failure failure; /* if why is not NULL */
    void (*end)(struct weir__tls_connection *c);
    char texts[];
};

/* Makes the record of an SSL, which end() is called with when the SSL is freed; the caller fills tls and
 * content. host, session_key: NULL for servers. Returns: 0; -ENOMEM. */
int weir__tls_connection_attach(SSL *ssl, const char *host, const char *session_key,
                                void (*end)(struct weir__tls_connection *c),
                                struct weir__tls_connection **out) WEIR_CHECKED;

/* Returns: never NULL for an SSL of weir__tls_connection(). */
struct weir__tls_connection *weir__tls_connection_of(const SSL *ssl);

/* Notes why the handshake is going to fail. Without memory nothing is noted. */
void weir__tls_connection_note(struct weir__tls_connection *c, enum weir_tls_failure failure,
                               const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
