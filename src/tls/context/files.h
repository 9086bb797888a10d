/* SPDX-License-Identifier: MIT */
/* Reading certificates and keys from files in PEM format, and what is wrong with a file in words.
 *
 * Threading: jobs of the blocking pool.
 */
#ifndef WEIR__TLS_FILES_H
#define WEIR__TLS_FILES_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/file.h"
#include "tls/context/fault.h"

/* Reads all certificates of a file, in their order; there is at least one.
 * what: for the words, "certificate" or "authority".
 * Owns:    the caller frees *out by sk_X509_pop_free().
 * Returns: 0; -WEIR_ECONFIG; the errors of weir__file_read(); -ENOMEM. */
int weir__tls_read_certificates(const char *path, const char *what, struct weir__file_mark *mark,
                                struct stack_st_X509 **out, struct weir__tls_fault *fault) WEIR_CHECKED;

/* Reads the private key of a file.
 * Owns:    the caller frees *out by EVP_PKEY_free().
 * Returns: as weir__tls_read_certificates(). */
int weir__tls_read_key(const char *path, struct weir__file_mark *mark, EVP_PKEY **out,
                       struct weir__tls_fault *fault) WEIR_CHECKED;

/* Whether what has failed in OpenSSL on this thread failed for lack of memory. Empties the queue of errors.
 */
bool weir__tls_was_no_memory(void);

#endif
