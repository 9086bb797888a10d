/* SPDX-License-Identifier: MIT */
#include "tls/context/sessions.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tls/context/connection_record.h"

static const int64_t s_ns = 1000000000;

/* What is kept of a server. */
struct server {
    struct weir__list latest, bucket;
    SSL_SESSION *sessions[WEIR__SESSIONS_OF_SERVER]; /* the oldest first */
    int count;
    char key[];
};

void weir__sessions_init(struct weir__sessions *sessions)
{
    (void)pthread_mutex_init(&sessions->lock, NULL);
    weir__list_init(&sessions->latest);
    for (int i = 0; i < WEIR__SESSION_BUCKETS; i++)
        weir__list_init(&sessions->buckets[i]);
    sessions->count = 0;
}

/* --- under the lock --- */

static struct weir__list *bucket_of(struct weir__sessions *sessions, const char *key)
{
    uint32_t hash = 2166136261u;

    for (; *key != '\0'; key++)
        hash = (hash ^ (unsigned char)*key) * 16777619u;
    return &sessions->buckets[hash % WEIR__SESSION_BUCKETS];
}

/* Finds a server, which becomes the one that was used last. */
static struct server *find(struct weir__sessions *sessions, const char *key)
{
    weir__list_each (node, bucket_of(sessions, key)) {
        struct server *server = weir__container_of(node, struct server, bucket);

        if (strcmp(server->key, key) == 0) {
            weir__list_remove(&server->latest);
            weir__list_push_front(&sessions->latest, &server->latest);
            return server;
        }
    }
    return NULL;
}

static void drop_server(struct weir__sessions *sessions, struct server *server)
{
    while (server->count > 0)
        SSL_SESSION_free(server->sessions[--server->count]);
    weir__list_drop(&server->latest);
    weir__list_drop(&server->bucket);
    sessions->count--;
    free(server);
}

/* Adds a server, in place of the one that was not used for longest if there are too many. */
static struct server *add(struct weir__sessions *sessions, const char *key)
{
    size_t bytes = strlen(key) + 1;
    struct server *server = malloc(sizeof *server + bytes);

    if (server == NULL)
        return NULL;
    if (sessions->count == WEIR__SESSION_SERVERS_MAX)
        drop_server(sessions, weir__container_of(sessions->latest.prev, struct server, latest));
    server->count = 0;
    memcpy(server->key, key, bytes);
    weir__list_push_front(&sessions->latest, &server->latest);
    weir__list_push_front(bucket_of(sessions, key), &server->bucket);
    sessions->count++;
    return server;
}

/* Sessions follow on each other for as long as a server renews them: they end with its certificate. */
static bool is_usable(SSL_SESSION *session)
{
    int64_t until_s = (int64_t)SSL_SESSION_get_time(session) + SSL_SESSION_get_timeout(session);
    const X509 *peer = SSL_SESSION_get0_peer(session);

    return SSL_SESSION_is_resumable(session) && weir__clock_wall_ns() / s_ns < until_s &&
           (peer == NULL || X509_cmp_current_time(X509_get0_notAfter(peer)) > 0);
}

/* The newest that can be used; those that cannot are dropped. NULL: there is none. */
static SSL_SESSION *take(struct server *server)
{
    while (server->count > 0) {
        SSL_SESSION *session = server->sessions[server->count - 1];

        if (!is_usable(session)) {
            SSL_SESSION_free(session);
            server->count--;
            continue;
        }
        if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
            server->count--;
        else
            (void)SSL_SESSION_up_ref(session);
        return session;
    }
    return NULL;
}

/* --- the users' side --- */

void weir__sessions_free(struct weir__sessions *sessions)
{
    while (!weir__list_is_empty(&sessions->latest))
        drop_server(sessions, weir__container_of(sessions->latest.next, struct server, latest));
    (void)pthread_mutex_destroy(&sessions->lock);
}

SSL_SESSION *weir__sessions_take(struct weir__sessions *sessions, const char *key)
{
    struct server *server;
    SSL_SESSION *session;

    (void)pthread_mutex_lock(&sessions->lock);
    server = find(sessions, key);
    session = server != NULL ? take(server) : NULL;
    (void)pthread_mutex_unlock(&sessions->lock);
    return session;
}

bool weir__sessions_keep(struct weir__sessions *sessions, const char *key, SSL_SESSION *session)
{
    struct server *server;

    (void)pthread_mutex_lock(&sessions->lock);
    server = find(sessions, key);
    if (server == NULL)
        server = add(sessions, key);
    if (server != NULL) {
        if (server->count == WEIR__SESSIONS_OF_SERVER) {
            SSL_SESSION_free(server->sessions[0]);
            memmove(&server->sessions[0], &server->sessions[1],
                    (WEIR__SESSIONS_OF_SERVER - 1) * sizeof server->sessions[0]);
            server->count--;
        }
        server->sessions[server->count++] = session;
    }
    (void)pthread_mutex_unlock(&sessions->lock);
    return server != NULL;
}

/* A server has sent a ticket. Returns: 1: the session is ours now. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct weir__sessions *sessions = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const char *key = weir__tls_connection_of(ssl)->session_key;

    return key != NULL && SSL_SESSION_is_resumable(session) && weir__sessions_keep(sessions, key, session);
}

void weir__sessions_install(SSL_CTX *ctx, struct weir__sessions *sessions)
{
    (void)SSL_CTX_set_app_data(ctx, sessions);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_session);
}
