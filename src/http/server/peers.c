/* SPDX-License-Identifier: MIT */
#include "http/server/peers.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/server/server.h"

enum {
    KEPT_BITS = 10,
    TEXT_BYTES = 56
}; /* any address with a port but those with a zone; Unix sockets are not kept */

struct weir__peer {
    const struct weir__connection *connection; /* NULL: none */
    char text[TEXT_BYTES];
};

static struct weir__peer *place_of(struct weir__peers *peers, const struct weir__connection *c)
{
    return &peers->kept[((uint64_t)(uintptr_t)c * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - KEPT_BITS)];
}

const char *weir__peers_of(struct weir__peers *peers, struct weir__connection *c, char *text)
{
    struct weir__peer *peer;

    if (peers->kept == NULL)
        peers->kept = calloc((size_t)1 << KEPT_BITS, sizeof *peers->kept);
    if (peers->kept == NULL)
        return weir_stream_peer(weir__connection_stream(c), text);
    peer = place_of(peers, c);
    if (peer->connection == c)
        return memcpy(text, peer->text, sizeof peer->text);
    (void)weir_stream_peer(weir__connection_stream(c), text);
    if (strlen(text) < sizeof peer->text && text[0] != '?') {
        peer->connection = c;
        memcpy(peer->text, text, sizeof peer->text);
    }
    return text;
}

void weir__peers_forget(struct weir__peers *peers, const struct weir__connection *c)
{
    struct weir__peer *peer = peers->kept != NULL ? place_of(peers, c) : NULL;

    if (peer != NULL && peer->connection == c)
        peer->connection = NULL;
}

void weir__peers_free(struct weir__peers *peers)
{
    free(peers->kept);
}
