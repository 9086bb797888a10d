/* SPDX-License-Identifier: MIT */
/* TLS of the connections of a client. Threading: as state.h. */
#ifndef WEIR__HTTP_CLIENT_SECURE_H
#define WEIR__HTTP_CLIENT_SECURE_H

#include "http/client/state.h"

/* Whether a context is one for a client; NULL is fine, too. */
bool weir__client_tls_fits(const struct weir_tls *tls);

/* Gives a client the context of the runtime, if it has none of its own. Waits.
 * Returns: 0; -WEIR_ECONFIG there are no authorities, and *why says so; -WEIR_EBUSY, -ENOMEM; the scope's
 * code. */
int weir__client_open_tls(weir_client *client, const char **why) WEIR_CHECKED;

/* Puts TLS on a new connection, and waits for the handshake. On failure the connection can only be dropped.
 * Returns: 0; -WEIR_ETLS, and *why says how it failed; -ENOMEM; the scope's code. */
int weir__client_secure(struct weir__client_connection *c, const char **why) WEIR_CHECKED;

/* Says why TLS failed on a connection that was used, valid until weir_run() returns. */
const char *weir__client_tls_why(struct weir__client_connection *c);

#endif
