/* SPDX-License-Identifier: MIT */
/* URLs, percent coding, and the values of queries and forms.
 *
 * Threading: everything here may be called from any thread and does not wait. The cost is linear in the
 * number of bytes. Only functions with a weir_buffer allocate.
 *
 * Nothing is decoded before it is asked for: spans are as they came, still encoded. Decode a value after it
 * has been taken out of its URL, never before, and once: a decoded value may hold any byte.
 */
#ifndef WEIR_URL_H
#define WEIR_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/address.h>
#include <weir/buffer.h>
#include <weir/error.h>
#include <weir/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- URLs --- */

/* An absolute http or https URL, taken apart. */
typedef struct weir_url {
    bool tls;                      /* https */
    enum weir_host_type host_type; /* never WEIR_HOST_INVALID */
    uint16_t port;                 /* 80 or 443 if none is written; never 0 */
    weir_bytes host;               /* without brackets, as written: see weir_host_without_dot() */
    weir_bytes authority;          /* HOST[:PORT] as written */
    weir_bytes origin;             /* scheme and authority as written: "http://HOST[:PORT]" */
    weir_bytes target;             /* path and query for the request line; "/" if none is written */
    weir_bytes path;               /* of the target; begins with '/' */
    weir_bytes query;              /* without its '?'; .data NULL if there is no '?' */
} weir_url;

/* Parses an absolute URL as weir_fetch() does. The host is one that weir_connect() takes. A user name, a
 * fragment, port 0, a broken escape, a query without a path before it, and characters that a URL may not hold
 * unescaped (RFC 3986) are faults.
 * Owns:    the spans in out point into url, or at a static "/"; *out is undefined after a fault. fault may be
 *          NULL.
 * Returns: 0; -EINVAL not such a URL, and *fault says what was expected where.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_url_parse(weir_bytes url, weir_url *out, weir_text_fault *fault);

/* Checks the characters of a path with or without a query, or of any part of them: those of RFC 3986 alone,
 * and '%' only before two hexadecimal digits. For pieces of which a URL is put together.
 * Owns:    nothing. fault may be NULL.
 * Returns: 0; -EINVAL, and *fault says what was expected where.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_url_check_target(weir_bytes target, weir_text_fault *fault);

/* --- percent coding --- */

/* Appends a text with everything but letters, digits, '-', '.', '_' and '~' written as %XX, so that it can
 * stand as one segment of a path, or as a name or value in a query.
 * Owns:    the bytes are copied.
 * Returns: 0; -WEIR_ETOOLARGE or -ENOMEM with the buffer unchanged.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_percent_append(weir_buffer *b, weir_bytes text);

/* Decodes every %XX. The result may hold any byte, a NUL and a '/' too: a program that makes a file name of
 * it refuses both.
 * Owns:    writes to out, where text.len bytes always suffice. out may be where the text itself is.
 * Returns: the number of bytes written; -EINVAL a '%' without two hexadecimal digits; -WEIR_ETOOLARGE no
 * room.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_percent_decode(weir_bytes text, char *out, size_t room);

/* --- queries, and bodies of the type application/x-www-form-urlencoded: "a=1&b=2" --- */

/* A pair, still encoded. */
typedef struct weir_query_pair {
    weir_bytes name;
    weir_bytes value; /* empty if there is no '=' */
    bool has_value;   /* there is a '=' */
} weir_query_pair;

/* Takes the next pair off a query. Empty pairs ("a=1&&b=2") are skipped.
 * Owns:    the spans point into *rest, which becomes what remains.
 * Returns: false at the end.
 * Where:   any thread.
 */
bool weir_query_next(weir_bytes *rest, weir_query_pair *pair);

/* Decodes a name or a value: %XX, and '+' as a space. The result may hold any byte, a NUL too.
 * Owns:    as weir_percent_decode().
 * Returns: as weir_percent_decode().
 * Where:   any thread.
 */
WEIR_CHECKED int weir_query_decode(weir_bytes text, char *out, size_t room);

/* Finds the first pair of a name, and decodes its value to a text. A pair without '=' has the value "".
 * Owns:    writes to out: the value and a NUL, or "" if the result is negative; room is at least 1.
 * Returns: the length of the value; -ENOENT there is no such pair; -EINVAL the value has a broken escape or a
 *          NUL; -WEIR_ETOOLARGE it is longer than room - 1 bytes.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_query_find(weir_bytes query, const char *name, char *out, size_t room);

/* Appends a pair, encoded. A '&' is put before it unless the buffer is empty or ends with '?' or '&'.
 * Owns:    the bytes are copied.
 * Returns: 0; -WEIR_ETOOLARGE or -ENOMEM with the buffer unchanged.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_query_append(weir_buffer *b, weir_bytes name, weir_bytes value);

#ifdef __cplusplus
}
#endif
#endif
