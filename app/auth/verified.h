/* SPDX-License-Identifier: MIT */
/* The passwords that were found right lately, on one loop: so that not each request costs what its hash does.
 * Kept is a keyed hash alone, for five minutes at most.
 *
 * Threading: its loop.
 */
#ifndef APP_AUTH_VERIFIED_H
#define APP_AUTH_VERIFIED_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/time.h>

#include "auth/table.h"

struct verified;

enum { VERIFIED_SETS = 256, VERIFIED_WAYS = 4, VERIFIED_S = 300 };

/* Returns: NULL: there is no memory, or no random numbers. */
struct verified *verified_open(void);
void verified_close(struct verified *verified);

/* What is remembered: who, with which password, by which table. */
struct verified_key {
    unsigned char digest[AUTH_DIGEST_BYTES];
    const void *store;
    uint64_t generation;
};

/* Makes a key. Returns: false: there is no memory. */
WEIR_CHECKED bool verified_key_make(const struct verified *verified, const char *user, const char *password,
                                    struct verified_key *out);

/* Reports whether the key was added, not too long ago. Both take key->store and key->generation as they are.
 * A full set forgets what it has had longest. */
bool verified_has(const struct verified *verified, const struct verified_key *key, weir_instant now);
void verified_add(struct verified *verified, const struct verified_key *key, weir_instant now);

#endif
