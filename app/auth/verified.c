/* SPDX-License-Identifier: MIT */
#include "auth/verified.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "auth/credentials.h"

struct entry {
    struct verified_key key;
    int64_t until_ns; /* 0: there is none */
};

struct verified {
    unsigned char secret[AUTH_KEY_BYTES];
    struct entry set[VERIFIED_SETS][VERIFIED_WAYS];
};

struct verified *verified_open(void)
{
    struct verified *verified = calloc(1, sizeof *verified);

    if (verified != NULL &&
        getrandom(verified->secret, sizeof verified->secret, 0) == sizeof verified->secret)
        return verified;
    free(verified);
    return NULL;
}

void verified_close(struct verified *verified)
{
    if (verified == NULL)
        return;
    OPENSSL_cleanse(verified, sizeof *verified);
    free(verified);
}

bool verified_key_make(const struct verified *verified, const char *user, const char *password,
                       struct verified_key *out)
{
    char text[CREDENTIALS_BYTES_MAX + 2];
    const int length = snprintf(text, sizeof text, "%s:%s", user, password); /* no user has a ':' */
    bool made;

    memset(out, 0, sizeof *out);
    made = length > 0 && (size_t)length < sizeof text &&
           auth_digest(verified->secret, (weir_bytes){text, (size_t)length}, out->digest);
    explicit_bzero(text, sizeof text);
    return made;
}

static bool is_same(const struct verified_key *a, const struct verified_key *b)
{
    return a->store == b->store && a->generation == b->generation &&
           CRYPTO_memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}

bool verified_has(const struct verified *verified, const struct verified_key *key, weir_instant now)
{
    const struct entry *set = verified->set[key->digest[0] % VERIFIED_SETS];

    for (size_t i = 0; i < VERIFIED_WAYS; i++)
        if (set[i].until_ns > now.ns && is_same(&set[i].key, key))
            return true;
    return false;
}

void verified_add(struct verified *verified, const struct verified_key *key, weir_instant now)
{
    struct entry *set = verified->set[key->digest[0] % VERIFIED_SETS], *oldest = &set[0];

    for (size_t i = 0; i < VERIFIED_WAYS; i++) {
        if (set[i].until_ns > 0 && is_same(&set[i].key, key)) {
            oldest = &set[i];
            break;
        }
        if (set[i].until_ns < oldest->until_ns)
            oldest = &set[i];
    }
    *oldest = (struct entry){*key, weir_add(now, weir_seconds(VERIFIED_S)).ns};
}
