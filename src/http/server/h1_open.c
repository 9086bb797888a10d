/* SPDX-License-Identifier: MIT */
/* A connection before its first request: the header of the PROXY protocol tells its client, then TLS has a
 * handshake. Both are part of the first receive, and together have head_timeout, from the accept. Afterwards
 * the connection is idle.
 *
 * Connections of a client are counted by the address in the header. Until that has come the connection counts
 * for no client: the proxy in front has them all.
 */
#include <errno.h>
#include <sys/socket.h>

#include <weir/log.h>

#include "http/server/h1.h"
#include "net/address.h"
#include "net/proxy_transport.h"
#include "tls/transport/start_tls.h"

static const int64_t log_every_ns = 1000000000;

/* --- whose connection it is --- */

/* Counts the connection of a client, if that is done. Returns: false: the client has too many. */
static bool may_enter(struct weir__connection *c)
{
    const weir_server_options *o = &c->home->server->options;
    struct weir__clients *clients = c->home->server->clients;
    struct sockaddr_storage addr;
    unsigned char ip[16];
    socklen_t len;

    if (clients == NULL || weir__stream_peer_address(weir__connection_stream(c), &addr, &len) < 0 ||
        !weir__address_ip(&addr, ip) || (o->counts_client != NULL && !o->counts_client(o->arg, ip)))
        return true;
    c->client[0] = weir__client_key_of(&addr);
    if (weir__clients_enter(clients, c->client))
        return true;
    c->client[0].family = 0;
    return false;
}

int weir__connection_client_known(weir_stream *stream)
{
    struct weir__connection *c = weir__stream_extra(stream);

    if (!may_enter(c))
        return -WEIR_EBUSY;
    if (!weir__tls_is_on(stream))
        weir__timeout_list_enter(&c->home->idle, &c->timeout);
    return 0;
}

/* --- it begins --- */

static bool is_open(weir_stream *stream)
{
    return weir__stream_knows_client(stream) && (!weir__tls_is_on(stream) || weir__tls_is_agreed(stream));
}

static void opening_exhausted(struct weir__timeout_entry *entry)
{
    struct weir__connection *c = weir__connection_of_timeout(entry);

    if (is_open(weir__connection_stream(c))) {
        weir__timeout_list_enter(&c->home->idle, &c->timeout);
        return;
    }
    weir__unserved_ends(weir__connection_unserved(c), WEIR_UNSERVED_HEAD_TIMEOUT);
    weir__h1_drop(c, false);
}

void weir__h1_open_init(struct weir__server_loop *home)
{
    weir__timeout_list_init(&home->opening, home->loop, home->server->options.limits.head_timeout,
                            opening_exhausted);
}

void weir__connection_start(struct weir__server_loop *home, weir_stream *stream, struct weir__layers layers)
{
    struct weir__connection *c = weir__stream_extra(stream);

    weir__connection_open(home, c);
    if (!layers.proxy_protocol && !may_enter(c)) {
        weir__h1_reject_client(c);
        return;
    }
    weir__peers_forget(&home->peers, stream);
    weir__timeout_list_enter(weir__layers_are_none(layers) ? &home->idle : &home->opening, &c->timeout);
    weir__h1_receive(c);
}

/* --- it ends --- */

static enum weir_unserved way_of(int32_t result)
{
    switch (result) {
    case 0:
    case -WEIR_ETRUNCATED:
        return WEIR_UNSERVED_CLOSED;
    case -WEIR_ETLS:
        return WEIR_UNSERVED_TLS;
    case -WEIR_EPROTOCOL:
        return WEIR_UNSERVED_PROXY_HEADER;
    case -WEIR_EBUSY:
        return WEIR_UNSERVED_CLIENT_LIMIT;
    case -ENOMEM:
        return WEIR_UNSERVED_MEMORY;
    default:
        return WEIR_UNSERVED_RESET;
    }
}

/* Says why, once a second at most: strangers make these lines. */
static void log_refusal(struct weir__connection *c, const char *message, const char *why)
{
    struct weir__server_loop *home = c->home;
    int64_t now_ns = weir__loop_now_ns(home->loop);
    char peer[WEIR_ADDRESS_BYTES];

    if (why == NULL)
        return;
    if (now_ns < home->refusal_logged_ns + log_every_ns && home->refusal_logged_ns != 0) {
        home->refusals_unlogged++;
        return;
    }
    weir_log(WEIR_LOG_INFO, message, WEIR_KV("why", why),
             WEIR_KV("client", weir__stream_peer(weir__connection_stream(c), peer)),
             WEIR_KV_INT("more", home->refusals_unlogged));
    home->refusal_logged_ns = now_ns;
    home->refusals_unlogged = 0;
}

void weir__h1_left_without_request(struct weir__connection *c, int32_t result)
{
    weir_stream *stream = weir__connection_stream(c);
    bool served = c->stage == WEIR__STAGE_SERVED;

    if (!served && result == -WEIR_ETLS)
        log_refusal(c, "TLS failed with a client", weir__tls_why(stream));
    if (!served && result == -WEIR_EPROTOCOL)
        log_refusal(c, "no header of the PROXY protocol", weir__stream_proxy_fault(stream));
    weir__unserved_ends(weir__connection_unserved(c), way_of(result));
    if (result == -WEIR_EBUSY && !weir__tls_is_on(stream))
        weir__h1_reject_client(c);
    else if (result == -WEIR_ETLS && !c->lingering && weir__tls_take_off(stream) == 0)
        weir__h1_reject_plain(c);
    else
        weir__h1_drop(c, false);
}
