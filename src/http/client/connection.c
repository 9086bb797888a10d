/* SPDX-License-Identifier: MIT */
#include "http/client/connection.h"

#include <errno.h>

#include "http/client/secure.h"
#include "net/connect.h"
#include "net/connect_limit.h"

/* So many pieces are read at once while the kernel has more; then other tasks run. */
enum { AWAITS_AT_ONCE = 16 };

/* --- closing --- */

static void closed(weir_stream *stream)
{
    struct weir__client_connection *c = weir__stream_extra(stream);
    weir_client *client = c->client;

    client->connection_count--;
    weir__spare_closed(client->loop);
    if (client->closing && client->connection_count == 0)
        weir_event_set(&client->quiet);
}

void weir__client_drop(struct weir__client_connection *c)
{
    struct weir__origin *was_idle_for = NULL;

    if (!weir__list_is_empty(&c->node)) {
        was_idle_for = c->origin;
        weir__client_leave_idle(c);
    }
    weir__client_stop_timeout(c);
    c->fetch = NULL;
    c->origin = NULL;
    weir__stream_close_detached(weir__client_stream(c), closed);
    if (was_idle_for != NULL)
        weir__slot_share_give(was_idle_for->slots);
}

static void drop_first_idle(struct weir__origin *origin)
{
    weir__client_drop(weir__container_of(origin->idle.next, struct weir__client_connection, node));
}

void weir__client_spare(struct weir__slot_share *slots)
{
    struct weir__origin *origin = weir__container_of(slots, struct weir__origin, own_slots);

    while (!weir__list_is_empty(&origin->idle) && weir__slot_share_is_wanted(slots))
        drop_first_idle(origin);
}

void weir__client_drop_idle(struct weir__origin *origin)
{
    while (!weir__list_is_empty(&origin->idle))
        drop_first_idle(origin);
}

void weir__client_idle_exhausted(struct weir__timeout_entry *entry)
{
    weir__client_drop(weir__container_of(entry, struct weir__client_connection, idle_entry));
}

static void timed_out(struct weir__timeout *timeout)
{
    struct weir__client_connection *c = weir__container_of(timeout, struct weir__client_connection, timeout);

    if (c->fetch == NULL)
        weir__client_drop(c);
    else if (c->fetch->piece_at == c->fetch->piece_len)
        weir__client_await(c); /* a turn has gone by */
}

/* --- connecting --- */

static struct weir__client_connection *make(struct weir__origin *origin, weir_stream *stream)
{
    struct weir__client_connection *c = weir__stream_extra(stream);

    c->client = origin->client;
    c->origin = origin;
    weir__list_init(&c->node);
    weir__list_init(&c->idle_entry.node);
    weir__timeout_init(&c->timeout, timed_out);
    origin->client->connection_count++;
    return c;
}

/* *out: the connection, also if the handshake of TLS has failed; else NULL. */
static int reach(struct weir__origin *origin, struct weir__client_connection **out,
                 struct weir__connect_note *note)
{
    const char *to = origin->address != NULL ? origin->address : origin->label;
    weir_stream *stream;
    int err = weir__connect_noting(to, sizeof **out, &stream, note);

    *out = NULL;
    if (err < 0)
        return err;
    *out = make(origin, stream);
    return origin->tls_name != NULL ? weir__client_secure(*out, &note->why) : 0;
}

/* The limit has ended the attempt. */
static int expired(const struct weir__client_connection *c, struct weir__connect_note *note)
{
    if (c != NULL)
        note->why = "the TLS handshake did not end within the time for connecting";
    else if (note->is_resolving)
        note->why = "no answer from the DNS servers within the time for connecting";
    return note->is_resolving ? -WEIR_EDNS : -ETIMEDOUT;
}

int weir__client_connect(struct weir__origin *origin, struct weir__client_connection **out, const char **why)
{
    struct weir__connect_limit limit;
    struct weir__connect_note note;
    int err = origin->tls_name != NULL ? weir__client_open_tls(origin->client, why) : 0;

    if (err < 0)
        return err;
    weir__connect_limit_begin(&limit, origin->client->options.connect_timeout);
    err = reach(origin, out, &note);
    err = weir__connect_limit_end(&limit, err);
    if (err == 0) {
        weir__origin_count(&origin->counts->connected);
        return 0;
    }
    if (err == -ETIMEDOUT)
        err = expired(*out, &note);
    if (*out != NULL)
        weir__client_drop(*out);
    *why = note.why;
    return err;
}

/* --- receiving --- */

/* An idle connection is closed by whatever comes: the end, or an answer that was not asked for. */
static bool handle(struct weir__client_connection *c, char *data, int32_t result)
{
    weir_stream *stream = weir__client_stream(c);
    bool more = false;

    c->awaiting = false;
    if (c->fetch != NULL)
        more = c->fetch->feed(c->fetch, data, result);
    else
        weir__client_drop(c);
    weir__stream_return(stream, data);
    return more;
}

static void input_came(weir_stream *stream, char *data, int32_t result)
{
    struct weir__client_connection *c = weir__stream_extra(stream);

    if (handle(c, data, result))
        weir__client_await(c);
}

void weir__client_await(struct weir__client_connection *c)
{
    char *data;
    int32_t result;

    if (c->awaiting)
        return;
    for (int i = 0; i < AWAITS_AT_ONCE; i++) {
        c->awaiting = true;
        if (!weir__stream_await(weir__client_stream(c), input_came, &data, &result) ||
            !handle(c, data, result))
            return;
    }
    if (c->fetch->writing != NULL) /* its task is writing, and can't ask again */
        weir__timeout_set(c->client->loop, &c->timeout, 0);
    else
        weir__fetch_wake(c->fetch);
}
