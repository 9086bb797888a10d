/* SPDX-License-Identifier: MIT */
/* How many connections each client has, by its address: an IPv4 address, or the network (/64) of an IPv6 one.
 *
 * Threading: any thread. A lock is taken when a connection begins and when it ends.
 */
#ifndef WEIR__HTTP_SERVER_CLIENTS_H
#define WEIR__HTTP_SERVER_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <weir/error.h>

struct weir__clients;

/* An IPv4 address, or the network of an IPv6 one. */
struct weir__client_key {
    uint64_t bits;
    uint64_t family; /* 0: no key */
};

struct weir__client_key weir__client_key_of(const struct sockaddr_storage *addr);

/* Opens a count in which a client may have `max` connections. connections: about how many there are in all.
 * seed: a random number.
 * Returns: NULL: no memory. */
struct weir__clients *weir__clients_open(int max, int connections, uint64_t seed);
void weir__clients_close(struct weir__clients *clients);

/* Counts a connection of a client, until weir__clients_leave().
 * Returns: false: the client has as many as it may have, or there is no memory; it is not counted. */
bool weir__clients_enter(struct weir__clients *clients, const struct weir__client_key *key) WEIR_CHECKED;
void weir__clients_leave(struct weir__clients *clients, const struct weir__client_key *key);

#endif
