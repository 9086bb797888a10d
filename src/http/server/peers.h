/* SPDX-License-Identifier: MIT */
/* Addresses of clients, as text and as bytes, for the connections that were asked about lately.
 *
 * Asking the kernel takes a system call, and a kept connection is asked about at each request. Keeping those
 * of all connections would cost memory for idle ones.
 *
 * Threading: belongs to a loop of the server.
 */
#ifndef WEIR__HTTP_SERVER_PEERS_H
#define WEIR__HTTP_SERVER_PEERS_H

#include <stdbool.h>

#include <weir/stream.h>

struct weir__peer;

struct weir__peers {
    struct weir__peer *kept; /* NULL: nothing was asked yet */
    bool texts;              /* texts were asked for */
};

/* Writes the address of a stream's peer into text[WEIR_ADDRESS_BYTES]. Returns: text. */
const char *weir__peers_of(struct weir__peers *peers, const weir_stream *s, char *text);

/* Writes its IP address as weir__address_ip() does. Returns: false: it has none. */
bool weir__peers_ip(struct weir__peers *peers, const weir_stream *s, unsigned char out[16]);

/* A stream begins, where another may have been. */
void weir__peers_forget(struct weir__peers *peers, const weir_stream *s);

void weir__peers_free(struct weir__peers *peers);

#endif
