/* SPDX-License-Identifier: MIT */
/* Making the content of a context from its files. Threading: jobs of the blocking pool; sharing anywhere. */
#ifndef WEIR__TLS_CONTENT_H
#define WEIR__TLS_CONTENT_H

#include "tls/context/context_record.h"
#include "tls/context/fault.h"

/* Makes an SSL_CTX with the versions, ciphers and options that all of ours have.
 * Returns: 0; -ENOMEM. */
int weir__tls_ctx_make(bool is_server, enum weir_tls_version min, SSL_CTX **out,
                       struct weir__tls_fault *fault) WEIR_CHECKED;

/* Makes content of what the pairs and authorities of a context hold now.
 * Owns:    the caller drops *out.
 * Returns: 0; -ENOMEM. */
int weir__tls_content_make(weir_tls *tls, struct weir__tls_content **out,
                           struct weir__tls_fault *fault) WEIR_CHECKED;

/* The content that a new connection begins with. Takes a lock for a moment. Owns: the caller drops it. */
struct weir__tls_content *weir__tls_content_share(weir_tls *tls);
void weir__tls_content_drop(struct weir__tls_content *content); /* NULL is fine */

#endif
