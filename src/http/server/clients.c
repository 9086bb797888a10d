/* SPDX-License-Identifier: MIT */
#include "http/server/clients.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS_MIN = 64, BUCKETS_MAX = 1 << 16 };

struct client {
    struct client *next;
    struct weir__client_key key;
    int connections;
};

struct weir__clients {
    pthread_mutex_t lock;
    int max;
    uint64_t seed; /* so that addresses can't be chosen to fall into one bucket */
    size_t mask;
    struct client *buckets[];
};

struct weir__client_key weir__client_key_of(const struct sockaddr_storage *addr)
{
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)addr;
    struct weir__client_key key = {.family = addr->ss_family};

    if (addr->ss_family == AF_INET) {
        key.bits = ((const struct sockaddr_in *)addr)->sin_addr.s_addr;
    } else if (addr->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
        uint32_t four; /* on a socket for both */
        memcpy(&four, six->sin6_addr.s6_addr + 12, sizeof four);
        key = (struct weir__client_key){four, AF_INET};
    } else if (addr->ss_family == AF_INET6) {
        memcpy(&key.bits, &six->sin6_addr, sizeof key.bits);
    }
    return key;
}

struct weir__clients *weir__clients_open(int max, int connections, uint64_t seed)
{
    struct weir__clients *clients;
    size_t buckets = BUCKETS_MIN;

    while (buckets < BUCKETS_MAX && buckets < (size_t)connections)
        buckets *= 2;
    clients = calloc(1, sizeof *clients + buckets * sizeof clients->buckets[0]);
    if (clients == NULL)
        return NULL;
    pthread_mutex_init(&clients->lock, NULL);
    clients->max = max;
    clients->mask = buckets - 1;
    clients->seed = seed;
    return clients;
}

void weir__clients_close(struct weir__clients *clients)
{
    if (clients == NULL)
        return;
    for (size_t i = 0; i <= clients->mask; i++)
        while (clients->buckets[i] != NULL) {
            struct client *gone = clients->buckets[i];
            clients->buckets[i] = gone->next;
            free(gone);
        }
    pthread_mutex_destroy(&clients->lock);
    free(clients);
}

/* The place of a client in its bucket; *it is NULL if it is not there. */
static struct client **find(struct weir__clients *clients, const struct weir__client_key *key)
{
    uint64_t hash = (key->bits ^ key->bits >> 32 ^ clients->seed) * UINT64_C(0x9e3779b97f4a7c15);
    struct client **at = &clients->buckets[(hash >> 32 ^ hash >> 48) & clients->mask];

    while (*at != NULL && ((*at)->key.bits != key->bits || (*at)->key.family != key->family))
        at = &(*at)->next;
    return at;
}

bool weir__clients_enter(struct weir__clients *clients, const struct weir__client_key *key)
{
    struct client **at;
    bool entered = false;

    pthread_mutex_lock(&clients->lock);
    at = find(clients, key);
    if (*at == NULL) {
        *at = calloc(1, sizeof **at);
        if (*at != NULL)
            (*at)->key = *key;
    }
    if (*at != NULL && (*at)->connections < clients->max) {
        (*at)->connections++;
        entered = true;
    }
    pthread_mutex_unlock(&clients->lock);
    return entered;
}

void weir__clients_leave(struct weir__clients *clients, const struct weir__client_key *key)
{
    struct client **at, *gone = NULL;

    pthread_mutex_lock(&clients->lock);
    at = find(clients, key);
    if (*at != NULL && --(*at)->connections == 0) {
        gone = *at;
        *at = gone->next;
    }
    pthread_mutex_unlock(&clients->lock);
    free(gone);
}
