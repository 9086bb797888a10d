/* SPDX-License-Identifier: MIT */
/* Who clients are, as text: kept for the connections that asked lately, since a kept connection is asked at
 * each request and the kernel's answer takes a system call, while all of them together would cost memory of
 * idle ones.
 *
 * Threading: belongs to a loop of the server.
 */
#ifndef WEIR__HTTP_SERVER_PEERS_H
#define WEIR__HTTP_SERVER_PEERS_H

struct weir__connection;
struct weir__peer;

struct weir__peers {
    struct weir__peer *kept; /* NULL: nobody has asked */
};

/* Of the connection's other end. text: where it is put, WEIR_ADDRESS_BYTES long. Returns: text. */
const char *weir__peers_of(struct weir__peers *peers, struct weir__connection *c, char *text);

/* A connection begins where another may have been. */
void weir__peers_forget(struct weir__peers *peers, const struct weir__connection *c);

void weir__peers_free(struct weir__peers *peers);

#endif
