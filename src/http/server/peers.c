/* SPDX-License-Identifier: MIT */
#include "http/server/peers.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/address.h"
#include "net/stream.h"

enum {
    KEPT_BITS = 10,
    TEXT_BYTES = 56, /* of any address with a port; addresses with a zone and Unix sockets are not kept */
};

struct weir__peer {
    const weir_stream *stream; /* NULL: none */
    bool has_ip;
    unsigned char ip[16];
    char text[TEXT_BYTES];
};

static struct weir__peer *place_of(struct weir__peers *peers, const weir_stream *s)
{
    return &peers->kept[((uint64_t)(uintptr_t)s * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - KEPT_BITS)];
}

static bool ask(struct weir__peer *peer, const weir_stream *s)
{
    struct sockaddr_storage addr;
    char text[WEIR_ADDRESS_BYTES];
    socklen_t len;

    if (weir__stream_peer_address(s, &addr, &len) < 0 ||
        strlen(weir__address_format_end(&addr, len, text)) >= sizeof peer->text)
        return false;
    peer->stream = s;
    peer->has_ip = weir__address_ip(&addr, peer->ip);
    strcpy(peer->text, text);
    return true;
}

/* Returns: NULL: it cannot be kept. */
static struct weir__peer *find(struct weir__peers *peers, const weir_stream *s)
{
    struct weir__peer *peer;

    if (peers->kept == NULL)
        peers->kept = calloc((size_t)1 << KEPT_BITS, sizeof *peers->kept);
    if (peers->kept == NULL)
        return NULL;
    peer = place_of(peers, s);
    return peer->stream == s || ask(peer, s) ? peer : NULL;
}

const char *weir__peers_of(struct weir__peers *peers, const weir_stream *s, char *text)
{
    const struct weir__peer *peer = find(peers, s);

    peers->texts = true;
    return peer != NULL ? memcpy(text, peer->text, sizeof peer->text) : weir__stream_peer(s, text);
}

bool weir__peers_ip(struct weir__peers *peers, const weir_stream *s, unsigned char out[16])
{
    const struct weir__peer *peer = find(peers, s);
    struct sockaddr_storage addr;
    socklen_t len;

    if (peer == NULL)
        return weir__stream_peer_address(s, &addr, &len) == 0 && weir__address_ip(&addr, out);
    memcpy(out, peer->ip, sizeof peer->ip);
    return peer->has_ip;
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
