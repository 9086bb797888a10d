/* SPDX-License-Identifier: MIT */
/* The steps of handshakes. Each computes for up to a millisecond, so that one a turn is done (turn.c). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "tls/transport/inside.h"

bool weir__tls_is_shaking(const struct weir__tls *t)
{
    return !t->agreed && t->error == 0 &&
           ((t->receiving != NULL && !t->receive_cancelled) || (t->sending != NULL && !t->send_cancelled) ||
            t->shut || t->eager);
}

void weir__tls_shake(struct weir__tls *t)
{
    if (!weir__tls_is_held_up(t) && weir__tls_is_shaking(t) && (!t->started || t->bytes.in_bytes > 0))
        weir__tls_queue_step(t);
}

int weir__tls_handshake_call(SSL *ssl)
{
    int result;

    ERR_clear_error();
    result = SSL_do_handshake(ssl);
    return result == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl, result);
}

/* --- what was agreed --- */

/* Keeps the protocol and the peer's subject as text. Without memory for them they are "". */
static void keep_texts(struct weir__tls *t)
{
    X509 *peer = SSL_get0_peer_certificate(t->ssl);
    const unsigned char *protocol;
    unsigned protocol_bytes;
    BIO *subject = NULL;
    const char *name = "";
    long name_bytes = 0;
    char *texts;

    SSL_get0_alpn_selected(t->ssl, &protocol, &protocol_bytes);
    if (peer != NULL)
        subject = BIO_new(BIO_s_mem());
    if (subject != NULL && X509_NAME_print_ex(subject, X509_get_subject_name(peer), 0,
                                              XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
        name_bytes = BIO_get_mem_data(subject, (char **)(uintptr_t)&name);
    if (protocol_bytes > 0 || name_bytes > 0) {
        texts = calloc(1, protocol_bytes + (size_t)name_bytes + 2);
        if (texts != NULL && protocol_bytes > 0)
            memcpy(texts, protocol, protocol_bytes);
        if (texts != NULL && name_bytes > 0)
            memcpy(texts + protocol_bytes + 1, name, (size_t)name_bytes);
        t->texts = texts;
    }
    BIO_free(subject);
}

/* --- a step --- */

void weir__tls_stepped(struct weir__tls *t, int outcome)
{
    weir__tls_release_read(t);
    if (outcome == SSL_ERROR_WANT_READ)
        return;
    if (outcome != SSL_ERROR_NONE) {
        weir__tls_fail(t);
        return;
    }
    t->agreed = true;
    t->counted = true;
    weir__tls_succeeded(t->context, t->ssl);
    keep_texts(t);
}

/* Whether the next step is left to others, which go on with the connection. */
static bool is_done_elsewhere(struct weir__tls *t)
{
    bool looks_first = t->is_server && !t->has_looked;

    t->has_looked = true;
    if (looks_first && weir__tls_first_look_start(t))
        return true;
    return t->is_server && weir__tls_is_slow(t->context) && weir__tls_slow_step_start(t);
}

void weir__tls_step(struct weir__tls *t)
{
    if (t->error == 0 && !weir__tls_is_held_up(t) && weir__tls_is_shaking(t) && !is_done_elsewhere(t)) {
        t->started = true;
        weir__tls_stepped(t, weir__tls_handshake_call(t->ssl));
    }
    weir__tls_go_on(t);
}
