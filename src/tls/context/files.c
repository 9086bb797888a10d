/* SPDX-License-Identifier: MIT */
#include "tls/context/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

enum { FILE_BYTES_MAX = 16 << 20, PROBE_BYTES = 64 << 10 };

bool weir__tls_was_no_memory(void)
{
    unsigned long err;
    bool was = false;
    void *probe;

    while ((err = ERR_get_error()) != 0)
        was = was || ERR_GET_REASON(err) == ERR_R_MALLOC_FAILURE;
    if (was)
        return true;
    /* OpenSSL's decoders take what they have no memory for as damaged. */
    probe = OPENSSL_malloc(PROBE_BYTES);
    OPENSSL_free(probe);
    return probe == NULL;
}

/* --- words --- */

static int unreadable(const char *path, int err, struct weir__tls_fault *fault)
{
    if (err == -ENOMEM)
        return weir__tls_fault(fault, err, "%s: no memory", path);
    if (err == -EISDIR)
        return weir__tls_fault(fault, -WEIR_ECONFIG, "%s is a folder; a file in PEM format was expected",
                               path);
    if (err == -EINVAL)
        return weir__tls_fault(fault, -WEIR_ECONFIG, "%s is no regular file", path);
    return weir__tls_fault(fault, err, "%s: %s", path, weir_error_text(err));
}

static bool has(const char *text, size_t len, const char *part)
{
    return memmem(text, len, part, strlen(part)) != NULL;
}

/* The first bytes of a certificate or key in DER format: a sequence with a length of two bytes. */
static bool is_der(const char *text, size_t len)
{
    return len > 4 && text[0] == 0x30 && (unsigned char)text[1] >= 0x81 && (unsigned char)text[1] <= 0x83;
}

/* Says why nothing of the kind that was expected is in a file. */
static int nothing_in(const char *path, const char *text, size_t len, const char *expected,
                      struct weir__tls_fault *fault)
{
    bool wants_key = strcmp(expected, "private key") == 0;

    if (weir__tls_was_no_memory())
        return weir__tls_fault(fault, -ENOMEM, "%s: no memory", path);
    if (len == 0)
        return weir__tls_fault(fault, -WEIR_ECONFIG, "%s is empty; a %s in PEM format was expected", path,
                               expected);
    if (is_der(text, len))
        return weir__tls_fault(fault, -WEIR_ECONFIG, "%s is in DER format; PEM was expected", path);
    if (wants_key && has(text, len, "ENCRYPTED"))
        return weir__tls_fault(fault, -WEIR_ECONFIG,
                               "the key in %s is encrypted; a key without a passphrase was expected", path);
    if (!wants_key && has(text, len, "PRIVATE KEY-----"))
        return weir__tls_fault(fault, -WEIR_ECONFIG, "%s holds a private key; a %s was expected", path,
                               expected);
    if (wants_key && has(text, len, "PRIVATE KEY-----"))
        return weir__tls_fault(fault, -WEIR_ECONFIG, "the key in %s is damaged", path);
    if (wants_key && has(text, len, "CERTIFICATE-----"))
        return weir__tls_fault(fault, -WEIR_ECONFIG, "%s holds a certificate; a private key was expected",
                               path);
    return weir__tls_fault(fault, -WEIR_ECONFIG, "%s holds no %s in PEM format", path, expected);
}

/* --- certificates --- */

/* Whether reading ended because there is no more in PEM format. Empties the queue of errors if so. */
static bool is_end(void)
{
    unsigned long err = ERR_peek_last_error();

    if (ERR_GET_LIB(err) != ERR_LIB_PEM || ERR_GET_REASON(err) != PEM_R_NO_START_LINE)
        return false;
    ERR_clear_error();
    return true;
}

static int read_all(BIO *bio, const char *path, struct stack_st_X509 *certificates,
                    struct weir__tls_fault *fault)
{
    X509 *x509;

    while ((x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
        if (sk_X509_push(certificates, x509) <= 0) {
            X509_free(x509);
            return weir__tls_fault(fault, -ENOMEM, "%s: no memory", path);
        }
    if (is_end())
        return 0;
    if (weir__tls_was_no_memory())
        return weir__tls_fault(fault, -ENOMEM, "%s: no memory", path);
    return weir__tls_fault(fault, -WEIR_ECONFIG, "certificate %d in %s is damaged",
                           sk_X509_num(certificates) + 1, path);
}

static int parse_certificates(const char *path, const char *what, const char *text, size_t len,
                              struct stack_st_X509 *certificates, struct weir__tls_fault *fault)
{
    BIO *bio = BIO_new_mem_buf(text, (int)len);
    int err = bio != NULL ? read_all(bio, path, certificates, fault)
                          : weir__tls_fault(fault, -ENOMEM, "%s: no memory", path);

    BIO_free(bio);
    if (err == 0 && sk_X509_num(certificates) == 0)
        return nothing_in(path, text, len, what, fault);
    return err;
}

/* Reads a file for OpenSSL, whose errors begin anew. */
static int read_file(const char *path, struct weir__file_mark *mark, char **text, size_t *len,
                     struct weir__tls_fault *fault)
{
    int err = weir__file_read(path, FILE_BYTES_MAX, mark, text, len);

    ERR_clear_error();
    if (err < 0)
        return unreadable(path, err, fault);
    if (*len < FILE_BYTES_MAX)
        return 0;
    free(*text);
    return weir__tls_fault(fault, -WEIR_ECONFIG, "%s is larger than 16 MiB", path);
}

int weir__tls_read_certificates(const char *path, const char *what, struct weir__file_mark *mark,
                                struct stack_st_X509 **out, struct weir__tls_fault *fault)
{
    struct stack_st_X509 *certificates;
    size_t len;
    char *text;
    int err = read_file(path, mark, &text, &len, fault);

    if (err < 0)
        return err;
    certificates = sk_X509_new_null();
    err = certificates != NULL ? parse_certificates(path, what, text, len, certificates, fault)
                               : weir__tls_fault(fault, -ENOMEM, "%s: no memory", path);
    free(text);
    if (err < 0)
        sk_X509_pop_free(certificates, X509_free);
    else
        *out = certificates;
    ERR_clear_error();
    return err;
}

/* --- keys --- */

/* Nobody is there to ask for a passphrase; without this function OpenSSL would ask the terminal. */
static int no_passphrase(char *out, int room, int writes, void *arg)
{
    (void)out, (void)room, (void)writes, (void)arg;
    return -1;
}

int weir__tls_read_key(const char *path, struct weir__file_mark *mark, EVP_PKEY **out,
                       struct weir__tls_fault *fault)
{
    size_t len;
    char *text;
    BIO *bio;
    int err = read_file(path, mark, &text, &len, fault);

    if (err < 0)
        return err;
    bio = BIO_new_mem_buf(text, (int)len);
    *out = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    if (*out == NULL)
        err = nothing_in(path, text, len, "private key", fault);
    BIO_free(bio);
    OPENSSL_cleanse(text, len);
    free(text);
    ERR_clear_error();
    return err;
}
