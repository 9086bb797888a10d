/* SPDX-License-Identifier: MIT */
/* Whether a client that has sent its last is still there. TCP says the same of one that has only shut down
 * its sending side, and waits for the answer, as of one that has closed: it tells them apart once something
 * is sent, which the closed one answers with a reset. What is sent is the beginning that every answer has, a
 * moment after the end came: so one that is given at once goes out whole.
 *
 * The end comes behind all that was sent: what is here of further requests is read, up to a maximum, while
 * the exchange before them lasts.
 */
#include <errno.h>

#include "http/server/server.h"

static const char beginning[] = "HTTP/1.1 ";

static const int64_t probe_after_ns = 1;

/* Who sends several requests at once and is answered at once is not looked behind: reading in small pieces
 * costs. */
enum { BEHIND_MS = 1, BEHIND_BYTES_MAX = 16 << 10 };

static void has_left(struct weir__exchange *x)
{
    x->input_end = -ECONNRESET;
    if (x->scope != NULL)
        weir__scope_cancel(x->scope, -WEIR_ECANCELED);
}

static void end_came(weir_stream *stream, char *data, int32_t result)
{
    struct weir__connection *c = weir__stream_extra(stream);

    (void)data, (void)result;
    if (c->exchange != NULL && c->exchange->running)
        has_left(c->exchange);
}

void weir__exchange_watch_leaving(struct weir__exchange *x)
{
    struct weir__connection *c = x->connection;

    if (weir__stream_await_end(weir__connection_stream(c), end_came))
        has_left(x);
    else
        weir__exchange_probe(x);
}

void weir__exchange_probe(struct weir__exchange *x)
{
    struct weir__connection *c = x->connection;

    if (!x->response.began && x->waits.what == 0)
        weir__timeout_list_enter(&c->home->half_closed, &c->patient);
}

static void probe(struct weir__timeout_entry *p)
{
    struct weir__connection *c = weir__container_of(p, struct weir__connection, patient);
    struct weir__exchange *x = c->exchange;
    ssize_t sent;

    if (x->response.began || x->head_sent > 0 || x->input_end != 1)
        return;
    sent = weir__stream_send_now(weir__connection_stream(c), beginning, sizeof beginning - 1);
    if (sent > 0)
        x->head_sent = (uint8_t)sent;
    else if (sent != -EAGAIN) /* else what was sent before is on its way, and does the same */
        has_left(x);
}

/* --- behind what is here of the next request --- */

bool weir__exchange_wants_behind(const struct weir__exchange *x)
{
    return x->ahead == NULL && x->request.body.ended && x->input_end == 0 &&
           x->input_len - x->input_at < BEHIND_BYTES_MAX;
}

void weir__exchange_watch_behind(struct weir__exchange *x)
{
    struct weir__connection *c = x->connection;

    if (x->input_at < x->input_len && !c->awaiting && !x->response.began && x->waits.what == 0 &&
        weir__exchange_wants_behind(x))
        weir__timeout_list_enter(&c->home->behind, &c->patient);
}

static void look_behind(struct weir__timeout_entry *p)
{
    struct weir__connection *c = weir__container_of(p, struct weir__connection, patient);

    if (!c->exchange->response.began && weir__exchange_wants_behind(c->exchange))
        weir__connection_await(c);
}

void weir__leaving_init(struct weir__server_loop *home)
{
    weir__timeout_list_init(&home->behind, home->loop, weir_ms(BEHIND_MS), look_behind);
    weir__timeout_list_init(&home->half_closed, home->loop, (weir_duration){probe_after_ns}, probe);
}
