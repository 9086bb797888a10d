/* SPDX-License-Identifier: MIT */
#include "support/certificates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

enum { MADE_MAX = 2048, PATHS_MAX = 4096, DAY_S = 86400, DAYS = 30, NAMES_MAX = 4096 };

static char root[64];
static struct certificate *made[MADE_MAX];
static char *paths[PATHS_MAX];
static size_t made_count, path_count, file_count;
static long serial;
static struct certificate *authority, *server, *client;

/* --- the folder --- */

int certificates_begin(void **state)
{
    (void)state;
    strcpy(root, "/tmp/weir-certificates-XXXXXX");
    return mkdtemp(root) == NULL;
}

static int remove_one(const char *path, const struct stat *about, int flag, struct FTW *at)
{
    (void)about, (void)flag, (void)at;
    return remove(path);
}

int certificates_end(void **state)
{
    (void)state;
    while (made_count > 0) {
        struct certificate *c = made[--made_count];

        X509_free(c->x509);
        EVP_PKEY_free(c->key);
        free(c);
    }
    while (path_count > 0)
        free(paths[--path_count]);
    authority = server = client = NULL;
    if (nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0)
        return -1;
    *root = '\0';
    return 0;
}

const char *certificates_path(const char *name)
{
    assert_true(path_count < PATHS_MAX);
    assert_true(asprintf(&paths[path_count], "%s/%s", root, name) > 0);
    return paths[path_count++];
}

static void end_at_exit(void)
{
    if (*root != '\0')
        (void)certificates_end(NULL);
}

void certificates_need(void)
{
    if (*root == '\0') {
        assert_int_equal(certificates_begin(NULL), 0);
        assert_int_equal(atexit(end_at_exit), 0);
    }
}

/* --- certificates --- */

static EVP_PKEY *make_key(enum certificate_key type)
{
    switch (type) {
    case CERTIFICATE_RSA:
        return EVP_RSA_gen(2048);
    case CERTIFICATE_RSA_1024:
        return EVP_RSA_gen(1024);
    case CERTIFICATE_RSA_4096:
        return EVP_RSA_gen(4096);
    case CERTIFICATE_ED25519:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    case CERTIFICATE_ECDSA_384:
        return EVP_EC_gen("P-384");
    case CERTIFICATE_ECDSA_224:
        return EVP_EC_gen("P-224");
    default:
        return EVP_EC_gen("P-256");
    }
}

static void extend(X509 *x509, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(extension);
    assert_int_equal(X509_add_ext(x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static bool is_address(const char *name)
{
    ASN1_OCTET_STRING *ip = a2i_IPADDRESS(name);

    ASN1_OCTET_STRING_free(ip);
    return ip != NULL;
}

static void add_names(X509 *x509, const char *names)
{
    char value[NAMES_MAX] = "", copy[NAMES_MAX], *rest = copy;
    size_t used = 0;

    assert_true(strlen(names) < sizeof copy);
    strcpy(copy, names);
    for (char *name; (name = strtok_r(rest, ", ", &rest)) != NULL;) {
        used += (size_t)snprintf(value + used, sizeof value - used, "%s%s:%s", used > 0 ? "," : "",
                                 is_address(name) ? "IP" : "DNS", name);
        assert_true(used < sizeof value);
    }
    extend(x509, NID_subject_alt_name, value);
}

static X509 *make_x509(const struct certificate_options *o, EVP_PKEY *key)
{
    EVP_PKEY *signer = o->issuer != NULL ? o->issuer->key : key;
    X509 *x509 = X509_new();
    X509_NAME *subject;

    assert_non_null(x509);
    subject = X509_get_subject_name(x509);
    assert_int_equal(X509_set_version(x509, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial), 1);
    if (o->cn != NULL)
        assert_int_equal(
            X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)o->cn, -1, -1, 0),
            1);
    (void)X509_time_adj_ex(X509_getm_notBefore(x509), 0, o->from_s != 0 ? (long)o->from_s : -DAY_S, NULL);
    (void)X509_time_adj_ex(X509_getm_notAfter(x509), 0, o->until_s != 0 ? (long)o->until_s : DAYS * DAY_S,
                           NULL);
    (void)X509_set_issuer_name(x509, o->issuer != NULL ? X509_get_subject_name(o->issuer->x509) : subject);
    assert_int_equal(X509_set_pubkey(x509, key), 1);
    extend(x509, NID_basic_constraints, o->is_authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (o->names != NULL)
        add_names(x509, o->names);
    if (o->usage != NULL)
        extend(x509, NID_ext_key_usage, o->usage);
    assert_true(X509_sign(x509, signer, EVP_PKEY_is_a(signer, "ED25519") ? NULL : EVP_sha256()) > 0);
    return x509;
}

struct certificate *certificate_make(const struct certificate_options *o)
{
    struct certificate *c = calloc(1, sizeof *c);

    assert_non_null(c);
    assert_true(made_count < MADE_MAX);
    if (o->like != NULL) {
        c->key = o->like->key;
        (void)EVP_PKEY_up_ref(c->key);
    } else
        c->key = make_key(o->key);
    assert_non_null(c->key);
    c->issuer = o->issuer;
    c->x509 = make_x509(o, c->key);
    made[made_count++] = c;
    return c;
}

struct certificate *certificate_of_authority(void)
{
    if (authority == NULL)
        authority = certificate_make(&(struct certificate_options){.cn = "Test CA", .is_authority = true});
    return authority;
}

struct certificate *certificate_of_server(void)
{
    if (server == NULL)
        server = certificate_make(
            &(struct certificate_options){.cn = "server",
                                          .issuer = certificate_of_authority(),
                                          .names = "localhost, db.internal, 127.0.0.1, ::1"});
    return server;
}

struct certificate *certificate_of_client(void)
{
    if (client == NULL)
        client = certificate_make(
            &(struct certificate_options){.cn = "billing", .issuer = certificate_of_authority()});
    return client;
}

/* --- files --- */

/* Puts a file, which `write` has written, in the place of another, as programs that renew certificates do. */
static void put(const char *path, const void *from, void (*write)(FILE *file, const void *from))
{
    char fresh[256];
    FILE *file;

    (void)snprintf(fresh, sizeof fresh, "%s.fresh", path);
    file = fopen(fresh, "w");
    assert_non_null(file);
    write(file, from);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(fresh, path), 0);
}

static void write_alone(FILE *file, const void *from)
{
    const struct certificate *c = from;

    assert_int_equal(PEM_write_X509(file, c->x509), 1);
}

static void write_chain(FILE *file, const void *from)
{
    const struct certificate *c = from;

    write_alone(file, c);
    for (c = c->issuer; c != NULL && c->issuer != NULL; c = c->issuer)
        write_alone(file, c);
}

static void write_key(FILE *file, const void *from)
{
    const struct certificate *c = from;

    assert_int_equal(PEM_write_PrivateKey(file, c->key, NULL, NULL, 0, NULL, NULL), 1);
}

static void write_encrypted(FILE *file, const void *from)
{
    const struct certificate *c = from;

    assert_int_equal(PEM_write_PKCS8PrivateKey(file, c->key, EVP_aes_256_cbc(), "secret", 6, NULL, NULL), 1);
}

static void write_text(FILE *file, const void *from)
{
    fputs(from, file);
}

void certificate_put(const struct certificate *c, const char *path)
{
    put(path, c, write_chain);
}

void certificate_put_alone(const struct certificate *c, const char *path)
{
    put(path, c, write_alone);
}

void certificate_put_key(const struct certificate *c, const char *path)
{
    put(path, c, write_key);
}

void certificate_put_encrypted(const struct certificate *c, const char *path)
{
    put(path, c, write_encrypted);
}

void certificates_put_text(const char *path, const char *text)
{
    put(path, text, write_text);
}

static const char *new_path(const char *form)
{
    char name[32];

    (void)snprintf(name, sizeof name, form, ++file_count);
    return certificates_path(name);
}

const char *certificate_file(const struct certificate *c)
{
    const char *path = new_path("%zu.pem");

    certificate_put(c, path);
    return path;
}

const char *certificate_key_file(const struct certificate *c)
{
    const char *path = new_path("%zu.key");

    certificate_put_key(c, path);
    return path;
}
