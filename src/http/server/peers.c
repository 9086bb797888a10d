/* SPDX-License-Identifier: MIT */
#include "http/server/peers.h"

#include <stdlib.h>
#include <string.h>

#include "net/address.h"
#include "net/stream.h"

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
        peers->kept = calloc((size_t)1 << WEIR__PEERS_KEPT_BITS, sizeof *peers->kept);
    if (peers->kept == NULL)
        return NULL;
    peer = weir__peers_place(peers, s);
    return peer->stream == s || ask(peer, s) ? peer : NULL;
}

const char *weir__peers_of(struct weir__peers *peers, const weir_stream *s, char *text)
{
    const struct weir__peer *peer = find(peers, s);

    peers->texts = true;
    return peer != NULL ? memcpy(text, peer->text, sizeof peer->text) : weir__stream_peer(s, text);
}

bool weir__peers_ask_ip(struct weir__peers *peers, const weir_stream *s, unsigned char out[16])
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
    struct weir__peer *peer = peers->kept != NULL ? weir__peers_place(peers, s) : NULL;

    if (peer != NULL && peer->stream == s)
        peer->stream = NULL;
}

void weir__peers_free(struct weir__peers *peers)
{
    free(peers->kept);
}
