/* SPDX-License-Identifier: MIT */
#include "tls/context/content.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "tls/context/files.h"
#include "tls/context/verify.h"

/* Mozilla's "intermediate" configuration, 5.7, without DHE: https://wiki.mozilla.org/Security/Server_Side_TLS
 */
static const char ciphers_1_2[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                  "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                  "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char ciphers_1_3[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char groups[] = "X25519:P-256:P-384";

/* One ticket for each handshake: OpenSSL's two cost 5 % more of it (2026-11-30, bench-load-tls, five rounds),
 * and a client that opens many connections gets a ticket on each. */
enum { SECURITY_LEVEL = 2, TICKETS = 1 };

/* --- the SSL_CTX --- */

static bool configure(SSL_CTX *ctx, enum weir_tls_version min)
{
    int version = min == WEIR_TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;

    /* Whatever openssl.cnf says. The order of ciphers is the client's: it knows whether it has AES in
     * hardware. */
    (void)SSL_CTX_clear_options(ctx, SSL_CTX_get_options(ctx));
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                       SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_max_early_data(ctx, 0);
    SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
    return SSL_CTX_set_min_proto_version(ctx, version) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, ciphers_1_2) == 1 &&
           SSL_CTX_set_ciphersuites(ctx, ciphers_1_3) == 1 && SSL_CTX_set1_groups_list(ctx, groups) == 1 &&
           SSL_CTX_set_num_tickets(ctx, TICKETS) == 1;
}

int weir__tls_ctx_make(bool is_server, enum weir_tls_version min, SSL_CTX **out,
                       struct weir__tls_fault *fault)
{
    SSL_CTX *ctx = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());

    if (ctx != NULL && configure(ctx, min)) {
        *out = ctx;
        return 0;
    }
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return weir__tls_fault(fault, -ENOMEM, "TLS: no memory");
}

/* --- content --- */

/* A session is resumed only where the same authorities of clients are asked for. */
static bool set_server(weir_tls *tls, struct weir__tls_content *content)
{
    const struct weir__tls_authorities *ca = tls->ca.authorities;
    static const unsigned char no_ca[WEIR__TLS_DIGEST_BYTES];
    struct stack_st_X509_NAME *names;

    if (weir__tls_choice_init(&content->choice, content->certificates, content->count) < 0)
        return false;
    weir__tls_choice_install(content->ctx, &content->choice);
    weir__ticket_keys_install(content->ctx, tls->tickets);
    if (SSL_CTX_set_session_id_context(content->ctx, ca != NULL ? ca->digest : no_ca, sizeof no_ca) != 1)
        return false;
    if (ca == NULL)
        return true;
    names = SSL_dup_CA_list(ca->names);
    SSL_CTX_set_client_CA_list(content->ctx, names);
    return names != NULL;
}

static bool set_peers(weir_tls *tls, struct weir__tls_content *content)
{
    const struct weir__tls_authorities *ca = tls->ca.authorities;

    if (ca == NULL)
        return true;
    weir__tls_verify_install(content->ctx, tls->is_server);
    return SSL_CTX_set1_cert_store(content->ctx, ca->store), true;
}

static bool set_all(weir_tls *tls, struct weir__tls_content *content)
{
    const struct weir__tls_certificate *first = content->count > 0 ? content->certificates[0] : NULL;

    if (first != NULL &&
        SSL_CTX_use_cert_and_key(content->ctx, first->leaf, first->key, first->chain, 1) != 1)
        return false;
    if (!tls->is_server)
        weir__sessions_install(content->ctx, &content->sessions);
    else if (!set_server(tls, content))
        return false;
    return set_peers(tls, content) && weir__alpn_install(content->ctx, &tls->alpn, tls->is_server) == 0;
}

int weir__tls_content_make(weir_tls *tls, struct weir__tls_content **out, struct weir__tls_fault *fault)
{
    struct weir__tls_content *content = calloc(1, sizeof *content);
    int err = -ENOMEM;

    if (content == NULL)
        return weir__tls_fault(fault, -ENOMEM, "TLS: no memory");
    atomic_init(&content->users, 1);
    weir__sessions_init(&content->sessions);
    content->certificates = calloc(tls->pair_count + 1, sizeof *content->certificates);
    if (content->certificates != NULL)
        err = weir__tls_ctx_make(tls->is_server, tls->min, &content->ctx, fault);
    for (; err == 0 && content->count < tls->pair_count; content->count++) {
        struct weir__tls_certificate *each = tls->pairs[content->count].certificate;

        content->certificates[content->count] = weir__tls_certificate_share(each);
        content->is_slow = content->is_slow || each->is_slow;
    }
    if (err == 0 && !set_all(tls, content))
        err = weir__tls_fault(fault, -ENOMEM, "TLS: no memory");
    ERR_clear_error();
    if (err < 0)
        weir__tls_content_drop(content);
    else
        *out = content;
    return err;
}

struct weir__tls_content *weir__tls_content_share(weir_tls *tls)
{
    struct weir__tls_content *content;

    (void)pthread_mutex_lock(&tls->lock);
    content = tls->content;
    (void)atomic_fetch_add_explicit(&content->users, 1, memory_order_relaxed);
    (void)pthread_mutex_unlock(&tls->lock);
    return content;
}

void weir__tls_content_drop(struct weir__tls_content *content)
{
    if (content == NULL || atomic_fetch_sub_explicit(&content->users, 1, memory_order_acq_rel) > 1)
        return;
    SSL_CTX_free(content->ctx);
    weir__sessions_free(&content->sessions);
    weir__tls_choice_free(&content->choice);
    for (size_t i = 0; i < content->count; i++)
        weir__tls_certificate_drop(content->certificates[i]);
    free(content->certificates);
    free(content);
}
