/* SPDX-License-Identifier: MIT */
/* Sessions of a client, which it may resume: of each server a few, of at most so many servers.
 *
 * A session of TLS 1.3 is used once (RFC 8446, C.4): else an observer could link connections. One of TLS 1.2
 * stays.
 *
 * Threading: any thread of the runtime; a lock is held for a moment.
 */
#ifndef WEIR__TLS_SESSIONS_H
#define WEIR__TLS_SESSIONS_H

#include <pthread.h>
#include <stdbool.h>

#include <openssl/ssl.h>

#include "base/list.h"

enum { WEIR__SESSION_SERVERS_MAX = 256, WEIR__SESSIONS_OF_SERVER = 4, WEIR__SESSION_BUCKETS = 64 };

struct weir__sessions {
    pthread_mutex_t lock;
    /* locked */
    struct weir__list latest; /* all servers, the one that was used last first */
    struct weir__list buckets[WEIR__SESSION_BUCKETS];
    int count;
};

void weir__sessions_init(struct weir__sessions *sessions);
void weir__sessions_free(struct weir__sessions *sessions);

/* Lets ctx keep its sessions here. They are lent to it. */
void weir__sessions_install(SSL_CTX *ctx, struct weir__sessions *sessions);

/* Takes a session for a key, the newest first.
 * Owns:    the caller frees it.
 * Returns: NULL: there is none. */
SSL_SESSION *weir__sessions_take(struct weir__sessions *sessions, const char *key);

/* Keeps a session for a key. Returns: whether it is owned by sessions now: there was memory. */
bool weir__sessions_keep(struct weir__sessions *sessions, const char *key, SSL_SESSION *session);

#endif
