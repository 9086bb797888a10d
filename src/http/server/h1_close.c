/* SPDX-License-Identifier: MIT */
#include "http/server/exchange.h"
#include "http/server/h1.h"

/* Many clients send all of a body before they read: what they send is dropped, if it comes at some pace: one
 * step within each LINGER_MS. */
enum { LINGER_MS = 2000, LINGER_STEP_BYTES = 1 << 16, LINGER_BYTES_MAX = 1 << 26 };
enum { IDLE_GRACE_MS = 5000, DRAIN_LINGER_MS = 1000 };

/* --- dropping --- */

void weir__h1_exchange_free(struct weir__h1_exchange *h)
{
    if (h == NULL)
        return;
    if (h->ahead != NULL)
        weir__h1_read_ahead_end(h);
    weir__h1_unwatch(h);
    weir__exchange_free(&h->exchange);
}

static void closed(weir_stream *stream)
{
    struct weir__connection *c = weir__stream_extra(stream);
    struct weir__server_loop *home = c->home;

    weir__list_remove(&c->node);
    if (home->server->clients != NULL && c->client[0].family != 0)
        weir__clients_leave(home->server->clients, c->client);
    home->events->closed(home);
}

void weir__h1_drop(struct weir__connection *c, bool reset)
{
    weir__unserved_ends(weir__connection_unserved(c), WEIR_UNSERVED_DRAINED); /* unless counted already */
    weir__timeout_list_leave(&c->timeout);
    weir__h1_exchange_free(c->exchange);
    c->exchange = NULL;
    if (reset)
        weir__stream_abort_detached(weir__connection_stream(c), closed);
    else
        weir__stream_close_detached(weir__connection_stream(c), closed);
}

/* --- lingering --- */

void weir__h1_linger(struct weir__connection *c)
{
    weir__h1_exchange_free(c->exchange);
    c->exchange = NULL;
    c->lingering = true;
    c->lingered_bytes = 0;
    weir__timeout_list_enter(&c->home->linger, &c->timeout);
}

bool weir__h1_lingered(struct weir__connection *c, size_t bytes)
{
    uint32_t before = c->lingered_bytes;

    c->lingered_bytes += (uint32_t)bytes;
    if (c->lingered_bytes > LINGER_BYTES_MAX) {
        weir__h1_drop(c, false);
        return false;
    }
    if (before / LINGER_STEP_BYTES != c->lingered_bytes / LINGER_STEP_BYTES)
        weir__timeout_list_enter(&c->home->linger, &c->timeout);
    return true;
}

/* Closing with bytes unread would reset the connection, and could destroy a response on its way: so only our
 * side is shut down, and what the client still sends is read. */
void weir__h1_shut_down(struct weir__connection *c)
{
    if (weir__stream_shutdown(weir__connection_stream(c)) < 0) {
        weir__h1_drop(c, false);
        return;
    }
    weir__h1_linger(c);
    weir__h1_receive(c);
}

/* --- timeouts --- */

static void idle_exhausted(struct weir__timeout_entry *entry)
{
    struct weir__connection *c = weir__connection_of_timeout(entry);

    weir__unserved_ends(weir__connection_unserved(c), WEIR_UNSERVED_IDLE_TIMEOUT);
    weir__h1_drop(c, false);
}

void weir__h1_close_init(struct weir__server_loop *home)
{
    weir__timeout_list_init(&home->idle, home->loop, home->server->options.limits.idle_timeout,
                            idle_exhausted);
    weir__timeout_list_init(&home->linger, home->loop, weir_ms(LINGER_MS), idle_exhausted);
}

/* --- draining --- */

/* The connection was not used any more: the client sees an end, and no reset when it sends all the same. */
static void idle_drained(struct weir__timeout_entry *entry)
{
    struct weir__connection *c = weir__connection_of_timeout(entry);

    weir__unserved_ends(weir__connection_unserved(c), WEIR_UNSERVED_DRAINED);
    weir__h1_shut_down(c);
}

/* Closing a connection that its client is about to use loses a request. So an idle connection may be used
 * once more, for as long as that is likely: counted from now, however long it has been idle. */
void weir__connections_drain(struct weir__server_loop *home)
{
    const weir_server_options *o = &home->server->options;
    weir_duration grace = {o->drain.ns < weir_ms(IDLE_GRACE_MS).ns ? o->drain.ns : weir_ms(IDLE_GRACE_MS).ns};

    home->idle.expired = home->opening.expired = idle_drained;
    weir__timeout_list_shorten(&home->idle, grace);
    weir__timeout_list_shorten(&home->opening, grace);
    weir__timeout_list_shorten(&home->linger, weir_ms(DRAIN_LINGER_MS));
}

static bool is_waiting(const struct weir__connection *c)
{
    return (c->exchange == NULL || !c->exchange->running) && !weir__list_is_empty(&c->timeout.node);
}

/* A dropped connection leaves the list at once or later. So the list is walked by a copy of its order, each
 * connection being put back before it is dropped. */
void weir__connections_close_waiting(struct weir__server_loop *home)
{
    struct weir__list before, *node;

    weir__list_init(&before);
    weir__list_move_all(&before, &home->connections);
    while ((node = weir__list_pop_front(&before)) != NULL) {
        struct weir__connection *c = weir__container_of(node, struct weir__connection, node);
        weir__list_push_back(&home->connections, node);
        if (is_waiting(c))
            weir__h1_drop(c, false);
    }
}
