/* SPDX-License-Identifier: MIT */
#include "jobs/digest.h"

#include <errno.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <xxhash.h>

const char *const digest_names[DIGEST_ALGORITHMS + 1] = {
    [DIGEST_SHA256] = "sha256",
    [DIGEST_SHA512] = "sha512",
    [DIGEST_BLAKE2B] = "blake2b",
    [DIGEST_XXH3] = "xxh3",
};

static const char *const openssl_names[DIGEST_ALGORITHMS] = {
    [DIGEST_SHA256] = "SHA2-256",
    [DIGEST_SHA512] = "SHA2-512",
    [DIGEST_BLAKE2B] = "BLAKE2B-512",
};

/* Translates a result of OpenSSL. Its error queue is the thread's, and must not keep the error for others. */
static int openssl_result(int good)
{
    if (good == 1)
        return 0;
    ERR_clear_error();
    return -ENOMEM; /* with a method that was found, nothing else can fail */
}

int digest_method_open(struct digest_method *method, enum digest_algorithm algorithm)
{
    *method = (struct digest_method){.algorithm = algorithm};
    if (algorithm == DIGEST_XXH3)
        return 0;
    method->found = EVP_MD_fetch(NULL, openssl_names[algorithm], NULL);
    if (method->found != NULL)
        return 0;
    ERR_clear_error();
    return -ENOSYS;
}

void digest_method_close(struct digest_method *method)
{
    EVP_MD_free(method->found);
    method->found = NULL;
}

int digest_begin(struct digest *digest, const struct digest_method *method)
{
    digest->method = method;
    if (method->algorithm == DIGEST_XXH3) {
        digest->state = XXH3_createState();
        return digest->state != NULL && XXH3_64bits_reset(digest->state) == XXH_OK ? 0 : -ENOMEM;
    }
    digest->state = EVP_MD_CTX_new();
    return openssl_result(digest->state != NULL ? EVP_DigestInit_ex2(digest->state, method->found, NULL) : 0);
}

int digest_add(struct digest *digest, const void *data, size_t bytes)
{
    if (digest->method->algorithm == DIGEST_XXH3)
        return XXH3_64bits_update(digest->state, data, bytes) == XXH_OK ? 0 : -ENOMEM;
    return openssl_result(EVP_DigestUpdate(digest->state, data, bytes));
}

static void write_hex(char *hex, const unsigned char *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        *hex++ = digits[bytes[i] >> 4];
        *hex++ = digits[bytes[i] & 15];
    }
    *hex = '\0';
}

int digest_end(struct digest *digest, char hex[DIGEST_HEX_BYTES])
{
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    int err;

    if (digest->method->algorithm == DIGEST_XXH3) {
        XXH64_canonical_t canonical;
        XXH64_canonicalFromHash(&canonical, XXH3_64bits_digest(digest->state));
        write_hex(hex, canonical.digest, sizeof canonical.digest);
        return 0;
    }
    err = openssl_result(EVP_DigestFinal_ex(digest->state, value, &length));
    if (err == 0)
        write_hex(hex, value, length);
    return err;
}

void digest_free(struct digest *digest)
{
    if (digest->state == NULL)
        return;
    if (digest->method->algorithm == DIGEST_XXH3)
        (void)XXH3_freeState(digest->state);
    else
        EVP_MD_CTX_free(digest->state);
    digest->state = NULL;
}
