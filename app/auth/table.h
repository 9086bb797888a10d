/* SPDX-License-Identifier: MIT */
/* A file of users and hashes of their passwords (htpasswd), or of tokens: as it was read, immutable.
 *
 * Threading: read by any thread.
 *
 * A line is "USER:HASH", or "TOKEN" or "NAME: TOKEN". Empty lines, and those that begin with '#', are none.
 * Of tokens only a keyed hash is kept, by which they are found: how long that takes tells nothing of them.
 */
#ifndef APP_AUTH_TABLE_H
#define APP_AUTH_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>

#include "config/auth.h"

enum {
    AUTH_KEY_BYTES = 32,
    AUTH_DIGEST_BYTES = 32,
    AUTH_FILE_BYTES_MAX = 4 << 20,
    AUTH_ENTRIES_MAX = 20000,
    AUTH_LINE_BYTES_MAX = 4096,
    AUTH_FAULT_BYTES = 224,
};

struct auth_entry {
    const char *user;                        /* NULL: a token without a name */
    const char *hash;                        /* of a user */
    unsigned char digest[AUTH_DIGEST_BYTES]; /* of a token */
    size_t line;                             /* in the file, from 1 */
};

struct auth_table {
    enum config_auth_scheme scheme;
    uint64_t generation; /* of the tables of a store: another for each */
    unsigned char key[AUTH_KEY_BYTES];
    unsigned char content[AUTH_DIGEST_BYTES]; /* SHA-256 of the bytes */
    struct auth_entry *entries;               /* by user, or by digest */
    size_t count;                             /* ≥ 1 */
    char *text;                               /* that the entries point into */
};

/* Makes a table of the bytes of a file.
 * Owns:    bytes are lent. The caller frees *out.
 * Returns: 0; -WEIR_ECONFIG with fault: "LINE: what, expected …", no secret in it; -ENOMEM, -EIO no random
 *          numbers.
 */
WEIR_CHECKED int auth_table_make(enum config_auth_scheme scheme, weir_bytes bytes, struct auth_table **out,
                                 char fault[AUTH_FAULT_BYTES]);
void auth_table_free(void *table);

/* Finds a user; for one that is not there another entry, always the same for a name, so that comparing with
 * its hash takes as long.
 * Returns: never NULL. *known: whether it is the user.
 */
const struct auth_entry *auth_table_user(const struct auth_table *table, const char *user, bool *known);

/* Finds a token. Returns: NULL: there is none. */
const struct auth_entry *auth_table_token(const struct auth_table *table, weir_bytes token);

/* Computes the keyed hash (HMAC-SHA256) of a text. Returns: false: there is no memory. */
WEIR_CHECKED bool auth_digest(const unsigned char key[AUTH_KEY_BYTES], weir_bytes text,
                              unsigned char out[AUTH_DIGEST_BYTES]);

#endif
