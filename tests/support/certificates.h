/* SPDX-License-Identifier: MIT */
/* Certificates of a test: authorities, certificates of servers and clients, and files of them in a folder.
 *
 *     static const struct CMUnitTest tests[] = {…};
 *     return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
 *
 *     struct certificate *ca = certificate_make(&(struct certificate_options){.cn = "Test CA", .is_authority
 * = true}); struct certificate *shop = certificate_make(&(struct certificate_options){ .cn = "shop", .issuer
 * = ca, .names = "shop.example.com, *.shop.example.com, 127.0.0.1"});
 *
 *     options.certificates = &(weir_tls_certificate){certificate_file(shop), certificate_key_file(shop)};
 *     client_options.ca = certificate_file(ca);
 *
 * Everything made lives until certificates_end(). Threading: the test's thread, or one task at a time.
 */
#ifndef TESTS_SUPPORT_CERTIFICATES_H
#define TESTS_SUPPORT_CERTIFICATES_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/x509.h>

enum certificate_key {
    CERTIFICATE_ECDSA, /* P-256 */
    CERTIFICATE_ECDSA_384,
    CERTIFICATE_ECDSA_224, /* too weak */
    CERTIFICATE_ED25519,
    CERTIFICATE_RSA,      /* 2048 */
    CERTIFICATE_RSA_1024, /* too weak */
    CERTIFICATE_RSA_4096, /* takes a second to make */
};

/* A zero field means its default, given in brackets. */
struct certificate_options {
    const char *cn;             /* [none] */
    const char *names;          /* names and addresses in its subjectAltName, between ", " [none] */
    struct certificate *issuer; /* [signed by itself] */
    bool is_authority;
    enum certificate_key key;
    int64_t from_s, until_s;        /* from now [-1 day, +30 days] */
    const char *usage;              /* extendedKeyUsage, "clientAuth" [none: any] */
    const struct certificate *like; /* uses the key of this one [a key of its own] */
};

struct certificate {
    X509 *x509;
    EVP_PKEY *key;
    struct certificate *issuer; /* NULL: itself */
};

/* Set-up and tear-down of a test or a group. */
int certificates_begin(void **state);
int certificates_end(void **state);

/* For helpers: begins unless that has been done, and ends as the program does. */
void certificates_need(void);

struct certificate *certificate_make(const struct certificate_options *options);

/* Usual ones, made when they are first asked for: an authority; a server "localhost, db.internal, 127.0.0.1,
 * ::1" and a client "billing" of it. */
struct certificate *certificate_of_authority(void);
struct certificate *certificate_of_server(void);
struct certificate *certificate_of_client(void);

/* The path of a file in the folder, which may exist or not. The text lives until certificates_end(). */
const char *certificates_path(const char *name);

/* Writes a new file. Returns: its path. */
const char *certificate_file(const struct certificate *c);     /* with its chain, the root left out */
const char *certificate_key_file(const struct certificate *c); /* its private key */

/* Writes files of a given name, or over them: whole, by a rename. */
void certificate_put(const struct certificate *c, const char *path);           /* with its chain */
void certificate_put_alone(const struct certificate *c, const char *path);     /* without its chain */
void certificate_put_key(const struct certificate *c, const char *path);       /* its key */
void certificate_put_encrypted(const struct certificate *c, const char *path); /* its key, by a passphrase */
void certificates_put_text(const char *path, const char *text);

#endif
