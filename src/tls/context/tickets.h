/* SPDX-License-Identifier: MIT */
/* Keys that a server encrypts its session tickets with (RFC 5077, RFC 8446 4.6.1).
 *
 * Keys are new each hour, and the two before are accepted, so that a ticket is good for at least two hours
 * and a stolen key opens no session of the day before. Contexts for the same files share them: a reload of a
 * configuration leaves tickets valid. With shared memory, so do the contexts of all processes, and whichever
 * needs a new key first makes it for all.
 *
 * Threading: any thread of the runtime; a lock is held for a moment.
 */
#ifndef WEIR__TLS_TICKETS_H
#define WEIR__TLS_TICKETS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include <weir/error.h>
#include <weir/shared.h>

#include "base/list.h"

enum {
    WEIR__TICKET_KEYS = 3,
    WEIR__TICKET_NAME_BYTES = 16,
    WEIR__TICKET_KEY_BYTES = 32,
    WEIR__TICKET_SECONDS = 7200, /* how long a session may be resumed */
};

struct weir__ticket_key {
    unsigned char name[WEIR__TICKET_NAME_BYTES];
    unsigned char cipher[WEIR__TICKET_KEY_BYTES], mac[WEIR__TICKET_KEY_BYTES];
    int64_t made_ns;
};

/* Under a lock: of the keys, or of the shared memory. */
struct weir__ticket_store {
    struct weir__ticket_key keys[WEIR__TICKET_KEYS]; /* the newest first */
    int count;
    bool changes; /* it is being written; found so, its writer has died, and nothing in it is good */
};

struct weir__ticket_keys {
    struct weir__list node; /* in the runtime's list */
    unsigned users;         /* under the lock of the runtime's list */
    char *files;            /* that the contexts are for */
    EVP_CIPHER *aes;
    EVP_MD *sha;
    pthread_mutex_t lock;             /* of own */
    struct weir__ticket_store own;    /* used unless there is shared memory, and while it is held */
    weir_shared *memory;              /* NULL: none */
    struct weir__ticket_store *store; /* own, or in memory */
};

/* memory: NULL: the keys are this process's; so they are when it has no room left, which is logged.
 * Returns: 0; -ENOMEM. */
int weir__ticket_keys_open(const char *files, weir_shared *memory,
                           struct weir__ticket_keys **out) WEIR_CHECKED;
void weir__ticket_keys_close(struct weir__ticket_keys *keys);

/* Lets ctx encrypt its tickets with them, and accept them. keys are lent to it. */
void weir__ticket_keys_install(SSL_CTX *ctx, struct weir__ticket_keys *keys);

#endif
