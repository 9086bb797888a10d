/* SPDX-License-Identifier: MIT */
/* Addresses of clients as text, for the connections that were asked about lately.
 *
 * Asking the kernel takes a system call, and a kept connection is asked about at each request. Keeping the
 * text of all connections would cost memory for idle ones.
 *
 * Threading: belongs to a loop of the server.
 */
#ifndef WEIR__HTTP_SERVER_PEERS_H
#define WEIR__HTTP_SERVER_PEERS_H

#include <weir/stream.h>

struct weir__peer;

struct weir__peers {
    struct weir__peer *kept; /* NULL: nothing was asked yet */
};

/* Writes the address of a stream's peer into text[WEIR_ADDRESS_BYTES]. Returns: text. */
const char *weir__peers_of(struct weir__peers *peers, weir_stream *s, char *text);

/* A stream begins, where another may have been. */
void weir__peers_forget(struct weir__peers *peers, const weir_stream *s);

void weir__peers_free(struct weir__peers *peers);

#endif
