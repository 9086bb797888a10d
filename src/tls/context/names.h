/* SPDX-License-Identifier: MIT */
/* The names of a certificate, and its dates, as text. Threading: pure functions. */
#ifndef WEIR__TLS_NAMES_H
#define WEIR__TLS_NAMES_H

#include <stdint.h>

#include <openssl/x509.h>

enum { WEIR__TLS_NAME_BYTES = 256, WEIR__TLS_DATE_BYTES = 16 };

/* Calls fn for each DNS name and address of a certificate's subjectAltName; without any, for its common name.
 * What cannot stand in a text is left out. fn returns 0, or another value, which ends the calls.
 * Returns: that of the last fn; 0; -ENOMEM. */
int weir__tls_names_each(X509 *x509, int (*fn)(void *arg, const char *name), void *arg);

/* Writes all of them, between ", "; what does not fit is "…". Returns: out. */
const char *weir__tls_names_write(X509 *x509, char *out, size_t room);

/* Writes a name of X.500, "CN=Example CA,O=Example". Returns: out. */
const char *weir__tls_subject_write(const X509_NAME *name, char *out, size_t room);

/* Seconds since the epoch. */
int64_t weir__tls_time_s(const ASN1_TIME *time);

/* Writes "2026-11-02", in UTC. Returns: out. */
const char *weir__tls_date_write(int64_t time_s, char out[WEIR__TLS_DATE_BYTES]);

#endif
