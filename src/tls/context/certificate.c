/* SPDX-License-Identifier: MIT */
#include "tls/context/certificate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/clock.h"
#include "tls/context/files.h"
#include "tls/context/names.h"

enum { RSA_BITS_LEAST = 2048, RSA_BITS_FAST = 2048, NAMES_BYTES_MAX = 64 << 10, GROUP_BYTES = 32 };

static const int64_t s_ns = 1000000000;

static int no_memory(const char *path, struct weir__tls_fault *fault)
{
    return weir__tls_fault(fault, -ENOMEM, "%s: no memory", path);
}

/* --- keys --- */

static int read_rsa(struct weir__tls_certificate *c, const char *path, struct weir__tls_fault *fault)
{
    int bits = EVP_PKEY_get_bits(c->key);

    if (bits < RSA_BITS_LEAST)
        return weir__tls_fault(fault, -WEIR_ECONFIG,
                               "the key in %s is too weak: RSA %d; at least RSA %d was expected", path, bits,
                               RSA_BITS_LEAST);
    c->rank = WEIR__TLS_RANK_RSA;
    c->is_slow = bits > RSA_BITS_FAST;
    (void)snprintf(c->key_words, sizeof c->key_words, "RSA %d", bits);
    return 0;
}

static int read_ecdsa(struct weir__tls_certificate *c, const char *path, struct weir__tls_fault *fault)
{
    static const struct {
        const char *group, *words;
    } fine[] = {{"prime256v1", "ECDSA P-256"}, {"secp384r1", "ECDSA P-384"}, {"secp521r1", "ECDSA P-521"}};
    char group[GROUP_BYTES] = "?";

    if (EVP_PKEY_get_group_name(c->key, group, sizeof group, NULL) != 1 && weir__tls_was_no_memory())
        return no_memory(path, fault);
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        if (strcmp(group, fine[i].group) == 0) {
            c->rank = WEIR__TLS_RANK_ECDSA;
            strcpy(c->key_words, fine[i].words);
            return 0;
        }
    return weir__tls_fault(fault, -WEIR_ECONFIG,
                           "the key in %s is of the curve %s; P-256, P-384 or P-521 was expected", path,
                           group);
}

static int read_key(struct weir__tls_certificate *c, const char *path, struct weir__tls_fault *fault)
{
    switch (EVP_PKEY_get_base_id(c->key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        return read_rsa(c, path, fault);
    case EVP_PKEY_EC:
        return read_ecdsa(c, path, fault);
    case EVP_PKEY_ED25519:
        c->rank = WEIR__TLS_RANK_EDDSA;
        strcpy(c->key_words, "Ed25519");
        return 0;
    default:
        return weir__tls_fault(fault, -WEIR_ECONFIG, "the key in %s is neither RSA, ECDSA nor Ed25519", path);
    }
}

/* --- loading --- */

/* Says why OpenSSL would not use a certificate, by the last error. */
static int unusable(const char *path, struct weir__tls_fault *fault)
{
    unsigned long err = ERR_peek_last_error();
    const char *words = ERR_reason_error_string(err);

    if (weir__tls_was_no_memory())
        return no_memory(path, fault);
    return weir__tls_fault(fault, -WEIR_ECONFIG, "the certificate in %s cannot be used: %s", path,
                           words != NULL ? words : "unknown error");
}

static int check_fit(struct weir__tls_certificate *c, const char *cert, const char *key, SSL_CTX *tried_by,
                     struct weir__tls_fault *fault)
{
    ERR_clear_error();
    if (X509_check_private_key(c->leaf, c->key) != 1)
        return weir__tls_was_no_memory()
                   ? no_memory(key, fault)
                   : weir__tls_fault(fault, -WEIR_ECONFIG, "the key in %s does not fit the certificate in %s",
                                     key, cert);
    if (SSL_CTX_use_cert_and_key(tried_by, c->leaf, c->key, c->chain, 1) != 1)
        return unusable(cert, fault);
    return 0;
}

static int read_names(struct weir__tls_certificate *c, const char *path, struct weir__tls_fault *fault)
{
    char *names = malloc(NAMES_BYTES_MAX);

    if (names != NULL) {
        c->names = strdup(weir__tls_names_write(c->leaf, names, NAMES_BYTES_MAX));
        free(names);
    }
    c->not_before_s = weir__tls_time_s(X509_get0_notBefore(c->leaf));
    c->not_after_s = weir__tls_time_s(X509_get0_notAfter(c->leaf));
    return c->names != NULL ? 0 : no_memory(path, fault);
}

static int load(struct weir__tls_certificate *c, const char *cert, const char *key, SSL_CTX *tried_by,
                struct weir__tls_marks *marks, struct weir__tls_fault *fault)
{
    int err = weir__tls_read_certificates(cert, "certificate", &marks->cert, &c->chain, fault);

    if (err < 0)
        return err;
    c->leaf = sk_X509_shift(c->chain);
    err = weir__tls_read_key(key, &marks->key, &c->key, fault);
    if (err == 0)
        err = read_key(c, key, fault);
    if (err == 0)
        err = check_fit(c, cert, key, tried_by, fault);
    if (err == 0)
        err = read_names(c, cert, fault);
    return err;
}

int weir__tls_certificate_load(const char *cert, const char *key, SSL_CTX *tried_by,
                               struct weir__tls_marks *marks, struct weir__tls_certificate **out,
                               struct weir__tls_fault *fault)
{
    struct weir__tls_certificate *c = calloc(1, sizeof *c);
    int err;

    if (c == NULL)
        return no_memory(cert, fault);
    atomic_init(&c->users, 1);
    err = load(c, cert, key, tried_by, marks, fault);
    if (err < 0)
        weir__tls_certificate_drop(c);
    else
        *out = c;
    return err;
}

struct weir__tls_certificate *weir__tls_certificate_share(struct weir__tls_certificate *c)
{
    (void)atomic_fetch_add_explicit(&c->users, 1, memory_order_relaxed);
    return c;
}

void weir__tls_certificate_drop(struct weir__tls_certificate *c)
{
    if (c == NULL || atomic_fetch_sub_explicit(&c->users, 1, memory_order_acq_rel) > 1)
        return;
    X509_free(c->leaf);
    sk_X509_pop_free(c->chain, X509_free);
    EVP_PKEY_free(c->key);
    free(c->names);
    free(c);
}

bool weir__tls_certificate_is_same(const struct weir__tls_certificate *a,
                                   const struct weir__tls_certificate *b)
{
    if (X509_cmp(a->leaf, b->leaf) != 0 || sk_X509_num(a->chain) != sk_X509_num(b->chain))
        return false;
    for (int i = 0; i < sk_X509_num(a->chain); i++)
        if (X509_cmp(sk_X509_value(a->chain, i), sk_X509_value(b->chain, i)) != 0)
            return false;
    return true;
}

int weir__tls_certificate_check_time(const struct weir__tls_certificate *c, const char *path,
                                     struct weir__tls_fault *fault)
{
    int64_t now_s = weir__clock_wall_ns() / s_ns;
    char date[WEIR__TLS_DATE_BYTES];

    if (c->not_after_s < now_s)
        return weir__tls_fault(fault, -WEIR_ECONFIG, "the certificate in %s expired %s", path,
                               weir__tls_date_write(c->not_after_s, date));
    if (c->not_before_s > now_s)
        return weir__tls_fault(fault, -WEIR_ECONFIG, "the certificate in %s is not valid before %s", path,
                               weir__tls_date_write(c->not_before_s, date));
    return 0;
}
