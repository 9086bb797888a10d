/* SPDX-License-Identifier: MIT */
/* Whether a client is still there while its body is not received.
 *
 * A handler that passes a body on to a slow receiver asks for no more of it meanwhile. A client that leaves
 * would be noticed only when the receiver goes on. So the connection is watched for the client's end, which
 * takes no bytes. A reset ends the exchange. Behind an orderly end the rest of the body may be unread: as
 * much of it is received as came before the end (h1_read_ahead.c), and the exchange goes on only if the body
 * is whole.
 */
#include <errno.h>

#include "http/server/exchange.h"
#include "http/server/h1.h"

static void has_left(struct weir__h1_exchange *h)
{
    h->input_end = -ECONNRESET;
    weir__exchange_client_left(&h->exchange);
}

static void act_on(struct weir__h1_exchange *h, enum weir__stream_end end)
{
    h->sent_last = true;
    if (h->input_end != 0) /* a receive was faster */
        return;
    if (end == WEIR__STREAM_BROKEN)
        has_left(h);
    else
        weir__h1_read_ahead(h);
}

static void ended(weir_stream *stream, enum weir__stream_end end)
{
    struct weir__connection *c = weir__stream_extra(stream);
    struct weir__h1_exchange *h = c->exchange;

    if (end == WEIR__STREAM_UNWATCHED) { /* the watch may have been an earlier exchange's */
        if (h != NULL && h->stopping)
            weir__h1_input_stopped(h);
        return;
    }
    h->watch = NULL;
    act_on(h, end);
}

/* Whether more of the body is to come than is here. Of chunks this is not known: of a body in one piece there
 * is none, probably. */
static bool is_incomplete(const struct weir__h1_exchange *h)
{
    const struct weir__http_body *body = &h->exchange.request.body;

    if (body->ended)
        return false;
    return body->framing == WEIR__HTTP_CHUNKED ? body->taken > 0 : body->left > h->input_len - h->input_at;
}

void weir__h1_watch(struct weir__h1_exchange *h)
{
    enum weir__stream_end end;

    if (h->watch != NULL || h->sent_last || h->input_end != 0 || !is_incomplete(h))
        return;
    end = weir__stream_watch_start(weir__connection_stream(h->connection), ended, &h->watch);
    if (end != WEIR__STREAM_GOES_ON)
        act_on(h, end);
}

void weir__h1_watched_end(struct weir__h1_exchange *h)
{
    if (h->sent_last && h->ahead != NULL && weir__h1_read_ahead_is_cut(h))
        has_left(h);
}
