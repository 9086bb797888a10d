/* SPDX-License-Identifier: MIT */
/* Digests of bytes that come in pieces.
 *
 * Threading: a digest is used by one thread at a time. A digest_method is immutable once opened, and may be
 * shared.
 */
#ifndef APP_JOBS_DIGEST_H
#define APP_JOBS_DIGEST_H

#include <stddef.h>

#include <weir/error.h>

enum digest_algorithm { DIGEST_SHA256, DIGEST_SHA512, DIGEST_BLAKE2B, DIGEST_XXH3, DIGEST_ALGORITHMS };

enum { DIGEST_HEX_BYTES = 129 }; /* the longest, with its NUL */

extern const char *const digest_names[DIGEST_ALGORITHMS + 1]; /* by enum digest_algorithm, ended by NULL */

/* An algorithm that has been looked up: OpenSSL's look-up costs more than hashing a small body. */
struct digest_method {
    enum digest_algorithm algorithm;
    void *found; /* EVP_MD; NULL for xxh3 */
};

struct digest {
    const struct digest_method *method;
    void *state; /* EVP_MD_CTX or XXH3_state_t */
};

/* Looks up an algorithm.
 * Owns:    end it with digest_method_close().
 * Returns: 0; -ENOSYS this OpenSSL does not have it.
 */
WEIR_CHECKED int digest_method_open(struct digest_method *method, enum digest_algorithm algorithm);
void digest_method_close(struct digest_method *method);

/* Begins a digest.
 * Owns:    method is lent until digest_free().
 * Returns: 0; -ENOMEM.
 */
WEIR_CHECKED int digest_begin(struct digest *digest, const struct digest_method *method);

/* Returns: 0; -ENOMEM. */
WEIR_CHECKED int digest_add(struct digest *digest, const void *data, size_t bytes);

/* Writes the digest in lower-case hex. Nothing can be added afterwards.
 * Returns: 0; -ENOMEM.
 */
WEIR_CHECKED int digest_end(struct digest *digest, char hex[DIGEST_HEX_BYTES]);

/* Frees a digest, also one that was never begun, all zero. */
void digest_free(struct digest *digest);

#endif
