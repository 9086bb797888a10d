/* SPDX-License-Identifier: MIT */
/* How many connections each client has, by its address: an IPv4 address, or the network (/64) of an IPv6 one.
 *
 * Threading: any thread; it is asked as a connection comes and as one goes, under a lock.
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
    uint64_t family; /* 0: nobody's */
};

struct weir__client_key weir__client_key_of(const struct sockaddr_storage *addr);

/* At most max for each of them, of about that many connections in all. seed: a random number.
 * Returns: NULL: no memory. */
struct weir__clients *weir__clients_open(int max, int connections, uint64_t seed);
void weir__clients_close(struct weir__clients *clients);

/* One more for this client: counted until weir__clients_leave().
 * Returns: false: it has as many as it may have, or there is no memory to count it; it is not counted. */
bool weir__clients_enter(struct weir__clients *clients, const struct weir__client_key *key) WEIR_CHECKED;
void weir__clients_leave(struct weir__clients *clients, const struct weir__client_key *key);

#endif
