/* SPDX-License-Identifier: MIT */
#include "auth/password.h"

#include <crypt.h>
#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum {
    BCRYPT_LENGTH = 60,
    BCRYPT_COST_MIN = 4,
    BCRYPT_COST_MAX = 16, /* some seconds */
    SHA256_LENGTH = 43,   /* behind the last '$' */
    SHA512_LENGTH = 86,
    ROUNDS_MAX = 5000000,
};

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool is_sha(const char *hash)
{
    return begins(hash, "$5$") || begins(hash, "$6$");
}

static bool is_bcrypt(const char *hash)
{
    return begins(hash, "$2y$") || begins(hash, "$2b$") || begins(hash, "$2a$");
}

#define EXPECTED ", expected bcrypt (htpasswd -B FILE USER) or SHA-crypt (openssl passwd -6)"

/* Yescrypt and scrypt are not accepted although crypt() knows them: the hash decides how much memory a
 * comparison takes, 16 MiB and more, which nothing here would limit. */
static const char *name_of(const char *hash)
{
    static const struct {
        const char *start, *fault;
    } names[] = {
        {"$y$", "is yescrypt ($y$, the default of mkpasswd)" EXPECTED},
        {"$gy$", "is yescrypt ($gy$)" EXPECTED},
        {"$7$", "is scrypt ($7$)" EXPECTED},
        {"$apr1$", "is MD5 ($apr1$, htpasswd without -B)" EXPECTED},
        {"$1$", "is MD5 ($1$)" EXPECTED},
        {"$2x$", "is bcrypt of a faulty program ($2x$)" EXPECTED},
        {"$sha1$", "is SHA-1 ($sha1$)" EXPECTED},
        {"$3$", "is that of Windows NT ($3$)" EXPECTED},
        {"$argon2", "is Argon2" EXPECTED},
        {"{SHA}", "is SHA-1 without salt ({SHA}, htpasswd -s)" EXPECTED},
        {"{SSHA}", "is SHA-1 ({SSHA})" EXPECTED},
        {"$", "begins with $ and is of no known type" EXPECTED},
        {"{", "begins with { and is of no known type" EXPECTED},
        {"", "is no hash: a password as it is, one of DES, or a locked user" EXPECTED},
    };
    size_t i = 0;

    while (!begins(hash, names[i].start))
        i++; /* the last fits all */
    return names[i].fault;
}

static long cost_of(const char *hash)
{
    return strtol(hash + strlen("$2y$"), NULL, 10);
}

/* Reports whether a hash is as long as its kind is: a file may have been cut. */
static bool is_whole(const char *hash)
{
    if (is_bcrypt(hash))
        return strlen(hash) == BCRYPT_LENGTH;
    return strlen(strrchr(hash, '$') + 1) == (hash[1] == '5' ? SHA256_LENGTH : SHA512_LENGTH);
}

/* crypt_checksalt() looks at the beginning alone. */
static bool is_understood(const char *hash)
{
    const char *rest = hash + strlen("$6$");
    const int found = crypt_checksalt(hash);

    for (; *rest != '\0'; rest++)
        if (!isalnum((unsigned char)*rest) && strchr("./$=", *rest) == NULL)
            return false;
    if (is_bcrypt(hash) && (cost_of(hash) < BCRYPT_COST_MIN || hash[6] != '$'))
        return false;
    return found == CRYPT_SALT_OK || found == CRYPT_SALT_METHOD_LEGACY; /* so it calls $5$ */
}

static bool is_cheap(const char *hash)
{
    if (is_bcrypt(hash))
        return cost_of(hash) <= BCRYPT_COST_MAX;
    return !begins(hash + 3, "rounds=") || strtol(hash + strlen("$6$rounds="), NULL, 10) <= ROUNDS_MAX;
}

const char *password_hash_fault(const char *hash)
{
    if (!is_sha(hash) && !is_bcrypt(hash))
        return name_of(hash);
    if (!is_whole(hash) || !is_understood(hash))
        return "is cut or damaged, expected a whole one: htpasswd -B FILE USER";
    if (!is_cheap(hash))
        return "costs seconds of a CPU, expected a bcrypt cost of at most 16, or 5000000 rounds of SHA";
    return NULL;
}

int password_compare(const char *password, const char *hash)
{
    struct crypt_data *data = calloc(1, sizeof *data); /* 32 KiB */
    const size_t length = strlen(hash);
    const char *made;
    bool same;

    if (data == NULL)
        return -ENOMEM;
    made = crypt_r(password, hash, data);
    same = made != NULL && strlen(made) == length && CRYPTO_memcmp(made, hash, length) == 0;
    explicit_bzero(data, sizeof *data);
    free(data);
    return same;
}
