/* SPDX-License-Identifier: MIT */
#include "http/server/peers.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/stream.h"

enum {
    KEPT_BITS = 10,
    TEXT_BYTES = 56, /* of any address with a port; addresses with a zone and Unix sockets are not kept */
};

struct weir__peer {
    const weir_stream *stream; /* NULL: none */
    char text[TEXT_BYTES];
};

static struct weir__peer *place_of(struct weir__peers *peers, const weir_stream *s)
{
    return &peers->kept[((uint64_t)(uintptr_t)s * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - KEPT_BITS)];
}

const char *weir__peers_of(struct weir__peers *peers, weir_stream *s, char *text)
{
    struct weir__peer *peer;

    if (peers->kept == NULL)
        peers->kept = calloc((size_t)1 << KEPT_BITS, sizeof *peers->kept);
    if (peers->kept == NULL)
        return weir__stream_peer(s, text);
    peer = place_of(peers, s);
    if (peer->stream == s)
        return memcpy(text, peer->text, sizeof peer->text);
    (void)weir__stream_peer(s, text);
    if (strlen(text) < sizeof peer->text && text[0] != '?') {
        peer->stream = s;
        memcpy(peer->text, text, sizeof peer->text);
    }
    return text;
}

void weir__peers_forget(struct weir__peers *peers, const weir_stream *s)
{
    struct weir__peer *peer = peers->kept != NULL ? place_of(peers, s) : NULL;

    if (peer != NULL && peer->stream == s)
        peer->stream = NULL;
}

void weir__peers_free(struct weir__peers *peers)
{
    free(peers->kept);
}
