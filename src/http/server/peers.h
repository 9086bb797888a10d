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
#include <stdint.h>
#include <string.h>

#include <weir/stream.h>

enum {
    WEIR__PEERS_KEPT_BITS = 10,
    WEIR__PEER_TEXT_BYTES = 56 /* of any address with a port; addresses with a zone are not kept */
};

struct weir__peer {
    const weir_stream *stream; /* NULL: none */
    bool has_ip;
    unsigned char ip[16];
    char text[WEIR__PEER_TEXT_BYTES];
};

struct weir__peers {
    struct weir__peer *kept; /* NULL: nothing was asked yet */
    bool texts;              /* texts were asked for */
};

/* Where a stream's peer is kept, if it is. */
static inline struct weir__peer *weir__peers_place(const struct weir__peers *peers, const weir_stream *s)
{
    return &peers->kept[((uint64_t)(uintptr_t)s * UINT64_C(0x9e3779b97f4a7c15)) >>
                        (64 - WEIR__PEERS_KEPT_BITS)];
}

/* Writes the address of a stream's peer into text[WEIR_ADDRESS_BYTES]. Returns: text. */
const char *weir__peers_of(struct weir__peers *peers, const weir_stream *s, char *text);

/* As weir__peers_ip(), and keeps what it is told. */
bool weir__peers_ask_ip(struct weir__peers *peers, const weir_stream *s, unsigned char out[16]);

/* Writes its IP address as weir__address_ip() does. Returns: false: it has none. */
static inline bool weir__peers_ip(struct weir__peers *peers, const weir_stream *s, unsigned char out[16])
{
    const struct weir__peer *peer = peers->kept != NULL ? weir__peers_place(peers, s) : NULL;

    if (peer == NULL || peer->stream != s)
        return weir__peers_ask_ip(peers, s, out);
    memcpy(out, peer->ip, sizeof peer->ip);
    return peer->has_ip;
}

/* A stream begins, where another may have been. */
void weir__peers_forget(struct weir__peers *peers, const weir_stream *s);

void weir__peers_free(struct weir__peers *peers);

#endif
