/* SPDX-License-Identifier: MIT */
/* Byte streams: making, closing, and what is known of a connection. */
#include "net/stream.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/wait.h"
#include "net/address.h"
#include "net/network.h"
#include "net/wait_address.h"

/* --- making and freeing --- */

weir_stream *weir__stream_new(size_t extra_bytes)
{
    weir_stream *s = calloc(1, sizeof *s + extra_bytes);

    if (s == NULL)
        return NULL;
    weir__socket_init(&s->socket);
    s->transport = &s->socket.transport;
    return s;
}

int weir__stream_adopt(int fd, size_t extra_bytes, weir_stream **out)
{
    const struct weir__network *network = weir__network_here();
    weir_stream *s = weir__stream_new(extra_bytes);
    int err;

    if (s == NULL) {
        network->close_fd(network, fd);
        return -ENOMEM;
    }
    err = network->attach(network, &s->socket, fd, &s->transport);
    if (err < 0) {
        network->close_fd(network, fd);
        free(s);
        return err;
    }
    *out = s;
    return 0;
}

/* Frees the memory of a stream; that of a public one later. */
static void free_memory(weir_stream *s)
{
    if (s->is_public)
        weir__handle_free(&weir__public_stream(s)->handle);
    else
        free(s);
}

int weir__stream_release(weir_stream *s)
{
    int fd;

    assert(s->users == 0 && !s->awaiting && !s->closing);
    fd = s->transport->type->release(s->transport);
    if (fd < 0)
        return fd;
    if (s->is_public)
        weir__public_stream_closed(weir__public_stream(s));
    free_memory(s);
    return fd;
}

void weir__stream_free(weir_stream *s)
{
    if (s->closed != NULL)
        s->closed(s);
    s->transport->type->free(s->transport);
    free_memory(s);
}

void weir__stream_return(weir_stream *s, char *data)
{
    if (data == NULL)
        return;
    s->transport->type->give_back(s->transport, data);
    weir__stream_leave(s);
}

/* --- what is known of the connection --- */

const char *weir__stream_peer(const weir_stream *s, char *text)
{
    struct sockaddr_storage addr;
    socklen_t len;

    if (s->transport->type->address(s->transport, true, &addr, &len) < 0)
        return strcpy(text, "?");
    return weir__address_format_end(&addr, len, text);
}

bool weir__stream_has_input(const weir_stream *s)
{
    return s->transport->type->has_input(s->transport);
}

int weir__stream_peer_address(const weir_stream *s, struct sockaddr_storage *addr, socklen_t *len)
{
    return s->transport->type->address(s->transport, true, addr, len);
}

const char *weir__stream_local(weir_stream *s, char *text)
{
    struct sockaddr_storage addr;
    socklen_t len;

    if (s->transport->type->address(s->transport, false, &addr, &len) < 0)
        return strcpy(text, "?");
    return weir__address_format_end(&addr, len, text);
}

bool weir__stream_counts_acknowledged(const weir_stream *s)
{
    return s->transport->type->counts_acknowledged(s->transport);
}

uint64_t weir__stream_acknowledged(weir_stream *s)
{
    uint64_t bytes;

    return s->transport->type->acknowledged(s->transport, &bytes) < 0 ? 0 : bytes;
}

bool weir__stream_peer_seen(const struct weir__look *look, struct weir__loop *loop, weir_stream *s,
                            char text[static WEIR_ADDRESS_BYTES])
{
    struct weir__transport *t;

    return weir__peek(&look->peek, weir__peek_at(s, transport), &t, sizeof(struct weir__transport *)) &&
           weir__transport_address_seen(look, loop, t, true, text);
}

/* --- closing --- */

int weir__stream_shutdown(weir_stream *s)
{
    return s->closing ? -WEIR_ECLOSED : s->transport->type->shutdown(s->transport);
}

void weir__stream_close(weir_stream *s)
{
    if (s->closing)
        return;
    s->closing = true;
    s->closed = NULL;
    if (s->is_public)
        weir__public_stream_closed(weir__public_stream(s));
    weir__stream_enter(s);
    weir__transport_wait_close(s->transport);
    weir__stream_leave(s);
}

void weir__stream_abort(weir_stream *s)
{
    if (!s->closing)
        s->transport->type->reset_on_close(s->transport);
    weir__stream_close(s);
}
