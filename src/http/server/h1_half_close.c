/* SPDX-License-Identifier: MIT */
/* Whether a client that has sent its last still reads the response.
 *
 * TCP reports the same of a client that has only shut down its sending side, and waits for the response, as
 * of one that has closed. The two differ once something is sent: the closed one answers with a reset. What is
 * sent as a probe is the beginning that every response has. It is sent a moment after the end came, so that a
 * response that is given at once goes out in one piece.
 *
 * The end comes behind all that was sent: what is here of further requests is received, up to a maximum,
 * while the exchange before them lasts.
 */
#include <errno.h>

#include "http/server/exchange.h"
#include "http/server/h1.h"

static const char beginning[] = "HTTP/1.1 ";

static const int64_t probe_after_ns = 1;

/* Receiving in small pieces costs: a client that sends several requests at once, and is answered at once, is
 * spared it. */
enum { BEHIND_MS = 1, BEHIND_BYTES_MAX = 16 << 10 };

/* --- after the end --- */

/* A task may be taking the connection over just now: it waits for this wait to end, whatever ends it. */
static void has_left(struct weir__h1_exchange *h)
{
    h->input_end = -ECONNRESET;
    weir__h1_input_stopped(h);
    weir__exchange_client_left(&h->exchange);
}

static void end_came(weir_stream *stream, char *data, int32_t result)
{
    struct weir__connection *c = weir__stream_extra(stream);

    (void)data;
    if (c->exchange == NULL || !c->exchange->running)
        return;
    if (result == -ECANCELED && c->exchange->stopping)
        weir__h1_input_stopped(c->exchange);
    else
        has_left(c->exchange);
}

void weir__h1_watch_half_closed(struct weir__h1_exchange *h)
{
    if (weir__stream_await_end(weir__connection_stream(h->connection), end_came))
        has_left(h);
    else
        weir__h1_probe_half_closed(h);
}

void weir__h1_probe_half_closed(struct weir__h1_exchange *h)
{
    if (!h->exchange.response.began && h->progress.waits == 0)
        weir__timeout_list_enter(&h->connection->home->half_closed, &h->connection->timeout);
}

static void probe(struct weir__timeout_entry *entry)
{
    struct weir__connection *c = weir__connection_of_timeout(entry);
    struct weir__h1_exchange *h = c->exchange;
    ssize_t sent;

    if (h->exchange.response.began || h->early_bytes > 0 || h->input_end != 1)
        return;
    sent = weir__h1_send_now(c, beginning, sizeof beginning - 1);
    if (sent > 0)
        h->early_bytes = (uint8_t)sent;
    else if (sent != -EAGAIN) /* what was sent before is on its way, and has the same effect */
        has_left(h);
}

/* --- behind what is here of the next request --- */

bool weir__h1_wants_behind(const struct weir__h1_exchange *h)
{
    return h->ahead == NULL && h->exchange.request.body.ended && h->input_end == 0 &&
           h->input_len - h->input_at < BEHIND_BYTES_MAX;
}

void weir__h1_watch_behind(struct weir__h1_exchange *h)
{
    struct weir__connection *c = h->connection;

    if (h->input_at < h->input_len && !c->awaiting && !h->exchange.response.began && h->progress.waits == 0 &&
        weir__h1_wants_behind(h))
        weir__timeout_list_enter(&c->home->behind, &c->timeout);
}

static void receive_behind(struct weir__timeout_entry *entry)
{
    struct weir__connection *c = weir__connection_of_timeout(entry);

    if (!c->exchange->exchange.response.began && weir__h1_wants_behind(c->exchange))
        weir__h1_receive(c);
}

void weir__h1_half_close_init(struct weir__server_loop *home)
{
    weir__timeout_list_init(&home->behind, home->loop, weir_ms(BEHIND_MS), receive_behind);
    weir__timeout_list_init(&home->half_closed, home->loop, (weir_duration){probe_after_ns}, probe);
}
