/* SPDX-License-Identifier: MIT */
#include "tls/context/verify.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <weir/address.h>

#include "tls/context/connection_record.h"
#include "tls/context/names.h"

enum { WORDS_BYTES = 160 };

/* --- words --- */

/* A certificate that is at fault. */
struct fault {
    struct weir__tls_connection *connection;
    X509_STORE_CTX *ctx;
    X509 *x509, *leaf;
    char what[WORDS_BYTES]; /* "certificate of db.internal" */
};

static void note_other(const struct fault *f, const char *words)
{
    weir__tls_connection_note(f->connection, WEIR_TLS_FAILED_OTHER, "%s %s", f->what, words);
}

static void note_time(const struct fault *f, const char *words, const ASN1_TIME *time)
{
    char date[WEIR__TLS_DATE_BYTES];

    weir__tls_connection_note(f->connection, WEIR_TLS_FAILED_EXPIRED, "%s %s %s", f->what, words,
                              weir__tls_date_write(weir__tls_time_s(time), date));
}

static void note_name(const struct fault *f)
{
    char names[WORDS_BYTES / 2];

    if (X509_get_ext_by_NID(f->leaf, NID_subject_alt_name, -1) < 0)
        weir__tls_connection_note(f->connection, WEIR_TLS_FAILED_NAME,
                                  "%s names no host: it has no subjectAltName", f->what);
    else
        weir__tls_connection_note(f->connection, WEIR_TLS_FAILED_NAME, "certificate is for %s, not for %s",
                                  weir__tls_names_write(f->leaf, names, sizeof names), f->connection->host);
}

/* The chain ends with a certificate whose issuer is not known. */
static void note_authority(const struct fault *f)
{
    const struct stack_st_X509 *chain = X509_STORE_CTX_get0_chain(f->ctx);
    const X509 *last = sk_X509_num(chain) > 0 ? sk_X509_value(chain, sk_X509_num(chain) - 1) : f->x509;
    bool is_alone = sk_X509_num(X509_STORE_CTX_get0_untrusted(f->ctx)) <= 1;
    char issuer[WORDS_BYTES / 2];

    weir__tls_connection_note(f->connection, WEIR_TLS_FAILED_AUTHORITY,
                              "%s is signed by an unknown authority %s%s", f->what,
                              weir__tls_subject_write(X509_get_issuer_name(last), issuer, sizeof issuer),
                              is_alone && last == f->leaf ? ", of which the peer sends no certificate" : "");
}

static void note(const struct fault *f, int err)
{
    switch (err) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        note_time(f, "expired", X509_get0_notAfter(f->x509));
        return;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        note_time(f, "is not valid before", X509_get0_notBefore(f->x509));
        return;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        note_name(f);
        return;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        weir__tls_connection_note(f->connection, WEIR_TLS_FAILED_AUTHORITY, "%s is signed by itself",
                                  f->what);
        return;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        note_authority(f);
        return;
    case X509_V_ERR_INVALID_PURPOSE:
        note_other(f, f->connection->host != NULL ? "is not for servers" : "is not for clients");
        return;
    case X509_V_ERR_INVALID_CA:
        weir__tls_connection_note(f->connection, WEIR_TLS_FAILED_AUTHORITY, "%s is no authority", f->what);
        return;
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        note_other(f, "has a wrong signature");
        return;
    default:
        weir__tls_connection_note(f->connection, WEIR_TLS_FAILED_OTHER, "%s: %s", f->what,
                                  X509_verify_cert_error_string(err));
    }
}

/* Names the certificate: by the host, or if it is of a client by its subject; one above it by its own. */
static void name(struct fault *f)
{
    char subject[WORDS_BYTES / 2], leaf[WORDS_BYTES / 2];
    const char *host = f->connection->host;

    if (host != NULL)
        (void)snprintf(leaf, sizeof leaf, "certificate of %s", host);
    else
        (void)snprintf(leaf, sizeof leaf, "client's certificate %s",
                       weir__tls_subject_write(X509_get_subject_name(f->leaf), subject, sizeof subject));
    if (f->x509 == f->leaf)
        memcpy(f->what, leaf, sizeof leaf);
    else
        (void)snprintf(f->what, sizeof f->what, "issuer %s of %s",
                       weir__tls_subject_write(X509_get_subject_name(f->x509), subject, sizeof subject),
                       leaf);
}

static int on_certificate(X509_STORE_CTX *ctx, void *arg)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
    int fine = X509_verify_cert(ctx), err = X509_STORE_CTX_get_error(ctx);
    struct fault f = {.ctx = ctx};

    (void)arg;
    if (fine > 0)
        return fine;
    f.connection = weir__tls_connection_of(ssl);
    f.leaf = X509_STORE_CTX_get0_cert(ctx);
    f.x509 = X509_STORE_CTX_get_current_cert(ctx);
    if (err == X509_V_ERR_OUT_OF_MEM || f.leaf == NULL)
        return fine;
    if (f.x509 == NULL || err == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
        err == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT || err == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY)
        f.x509 = f.leaf; /* the sentence is about the authority that is missing */
    name(&f);
    note(&f, err);
    return fine;
}

/* --- what is asked for --- */

void weir__tls_verify_install(SSL_CTX *ctx, bool is_server)
{
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | (is_server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
    SSL_CTX_set_cert_verify_callback(ctx, on_certificate, NULL);
}

int weir__tls_verify_host(SSL *ssl, const char *host)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    int fine = 0;

    switch (weir_host_type_of((weir_bytes){host, strlen(host)})) {
    case WEIR_HOST_NAME:
        /* RFC 9525: names of the subjectAltName alone, and '*' for a whole label alone. */
        X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                                   X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
        fine = X509_VERIFY_PARAM_set1_host(param, host, 0);
        break;
    case WEIR_HOST_IPV4:
    case WEIR_HOST_IPV6:
        fine = X509_VERIFY_PARAM_set1_ip_asc(param, host);
        break;
    default:
        return -EINVAL;
    }
    ERR_clear_error();
    return fine == 1 ? 0 : -ENOMEM;
}
