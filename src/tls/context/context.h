/* SPDX-License-Identifier: MIT */
/* The inside of a context: what its connections need.
 *
 * Threading: from any thread of the runtime; the SSL objects themselves belong to one loop, or to one job
 * that the loop waits for.
 */
#ifndef WEIR__TLS_CONTEXT_H
#define WEIR__TLS_CONTEXT_H

#include <openssl/ssl.h>

#include <weir/tls.h>

#include "core/loop.h"
#include "net/layer.h"

/* The context as a layer of listeners: the first member of struct weir_tls. */
struct weir__layer *weir__tls_layer(weir_tls *tls);

bool weir__tls_is_server(const weir_tls *tls);

/* Whether a step of the handshake may compute for more than a millisecond: an RSA key of more than 2048 bits.
 */
bool weir__tls_is_slow(const weir_tls *tls);

/* Makes the SSL of a connection, in the state to begin the handshake; of a client with the name to ask for
 * and to check, and a session to resume, if one is known. It holds tls until SSL_free(). host: of a client:
 * what to ask for and check, unless the options say; NULL for servers. session_key: for whom sessions are
 * kept: "db.internal:443"; NULL: host.
 * Returns: 0; -EINVAL a client without a host; -ENOMEM. */
int weir__tls_connection(weir_tls *tls, const char *host, const char *session_key, SSL **out) WEIR_CHECKED;

/* A connection that waits for a look at the files. */
struct weir__tls_look {
    void (*done)(struct weir__tls_look *look); /* set by the caller; called on its loop */
    /* of recheck.c */
    weir_tls *tls;
    struct weir__loop *loop;
    struct weir__list node; /* in the context's list; else in none */
    struct weir__message message;
    struct weir__timeout timeout;
};

/* Asks, before the handshake of a server's connection, whether it has to wait. It has to when nobody had
 * connected for long: what the files hold now was not looked at yet, and the certificate of the SSL may have
 * expired in the meantime.
 * Owns:    look is lent until done() is called, and so is the SSL.
 * Returns: false: nothing is to be waited for; true: done() is called, at most 100 ms later, and then
 *          weir__tls_looked(). */
bool weir__tls_must_look(SSL *ssl, struct weir__tls_look *look);
void weir__tls_looked(SSL *ssl);

/* Counts a handshake that begins, and one that has succeeded. */
void weir__tls_began(weir_tls *tls);
void weir__tls_succeeded(weir_tls *tls, const SSL *ssl);

/* Counts a handshake that was not begun: nothing has come from the client. */
void weir__tls_not_begun(weir_tls *tls);

/* Counts a handshake that failed, or (in_handshake false) a connection that broke after it. */
void weir__tls_failed(weir_tls *tls, enum weir_tls_failure failure, bool in_handshake);

enum { WEIR__TLS_WHY_BYTES = 256 };

/* Tells why a call of SSL_*() failed with SSL_ERROR_SSL, from the queue of errors of this thread, which it
 * empties, and from what is known of the connection, in words.
 * first, bytes: what the peer sent first, as far as it is known: it tells HTTP without TLS.
 * Returns: the reason. */
enum weir_tls_failure weir__tls_explain(const SSL *ssl, const char *first, size_t bytes,
                                        char why[static WEIR__TLS_WHY_BYTES]);

/* The context of the HTTP client: all defaults, and http/1.1 as its protocol. Made when it is first asked
 * for. Waits.
 * Owns:    the caller gets a hold.
 * Returns: as weir_tls_client_open(). */
int weir__tls_default_client(const char **why, weir_tls **out) WEIR_CHECKED;

#endif
