/* SPDX-License-Identifier: MIT */
/* What a client says of itself: the header Authorization (RFC 7617, RFC 6750).
 *
 * Threading: pure functions over the caller's memory.
 */
#ifndef APP_AUTH_CREDENTIALS_H
#define APP_AUTH_CREDENTIALS_H

#include <stdbool.h>

#include <weir/buffer.h>

enum { CREDENTIALS_BYTES_MAX = 1024, CREDENTIALS_USER_MAX = 255 };

/* What Basic carries. Both are ended by NUL, and have no control character. */
struct credentials_basic {
    char text[CREDENTIALS_BYTES_MAX + 1];
    const char *user, *password; /* in text */
};

/* Reads "Basic BASE64".
 * Returns: false: it is another scheme, or malformed, or too long.
 */
bool credentials_read_basic(const char *value, struct credentials_basic *out);

/* Reads "Bearer TOKEN".
 * Owns:    *token is a part of value.
 * Returns: as credentials_read_basic().
 */
bool credentials_read_bearer(const char *value, weir_bytes *token);

/* Reports whether a text is a token: letters, digits, "-._~+/", and "=" at its end. */
bool credentials_token_is_valid(weir_bytes token);

#endif
