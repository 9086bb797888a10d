/* The connections to one origin. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/scope.h>

#include "http/client.h"

/* --- closing --- */

static void closed(weir_stream *stream)
{
    struct weir__client_connection *c = weir__stream_extra(stream);
    weir_client *client = c->origin->client;

    c->origin->users--;
    client->connection_count--;
    if (client->closing && client->connection_count == 0)
        weir_event_set(&client->quiet);
}

static void drop(struct weir__client_connection *c)
{
    weir__list_remove(&c->node);
    weir__patience_leave(&c->patient);
    c->fetch = NULL;
    weir__stream_close_detached(weir__client_stream(c), closed);
}

void weir__origin_close_idle(struct weir__origin *origin)
{
    while (!weir__list_is_empty(&origin->idle))
        drop(weir__container_of(origin->idle.next, struct weir__client_connection, node));
}

void weir__client_idle_exhausted(struct weir__patient *p)
{
    drop(weir__container_of(p, struct weir__client_connection, patient));
}

void weir__origin_free(struct weir__origin *origin)
{
    weir__list_remove(&origin->node);
    free(origin->waits_for);
    free(origin);
}

/* --- receiving --- */

/* An idle connection has nothing to say: the end closes it, and so does an answer nobody asked for. */
static bool handle(struct weir__client_connection *c, char *data, int32_t result)
{
    struct weir__io *io = c->origin->client->loop->io;
    bool more = false;

    c->awaiting = false;
    if (c->fetch != NULL)
        more = weir__fetch_feed(c->fetch, data, result);
    else
        drop(c);
    if (data != NULL)
        weir__io_return(io, data);
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
    do {
        c->awaiting = true;
        if (!weir__stream_await(weir__client_stream(c), input_came, &data, &result))
            return;
    } while (handle(c, data, result));
}

/* --- taking and giving back --- */

static int wait_for_slot(struct weir__origin *origin)
{
    int err;

    if (weir_semaphore_try(&origin->slots))
        return 0;
    if (origin->waiting >= origin->client->options.waiting_per_origin)
        return -WEIR_EBUSY;
    origin->waiting++;
    err = weir_semaphore_acquire(&origin->slots);
    origin->waiting--;
    return err;
}

static int connect_new(struct weir__origin *origin, struct weir__client_connection **out)
{
    weir_stream *stream;
    weir_scope attempt;
    int err;

    weir_scope_open(&attempt, weir_after(origin->client->options.connect_timeout), 0);
    err = weir__connect(origin->address, sizeof **out, &stream);
    (void)weir_scope_close(&attempt);
    if (err < 0)
        return err == -WEIR_EDEADLINE && weir_scope_expired(&attempt) ? -ETIMEDOUT : err;
    *out = weir__stream_extra(stream);
    (*out)->origin = origin;
    weir__list_init(&(*out)->node);
    weir__list_init(&(*out)->patient.node);
    origin->users++;
    origin->client->connection_count++;
    return 0;
}

static struct weir__client_connection *take_idle(struct weir__origin *origin)
{
    struct weir__list *node = weir__list_pop_front(&origin->idle);
    struct weir__client_connection *c;

    if (node == NULL)
        return NULL;
    c = weir__container_of(node, struct weir__client_connection, node);
    weir__patience_leave(&c->patient);
    c->reused = true;
    return c;
}

int weir__origin_acquire(struct weir__origin *origin, struct weir__fetch *f, bool fresh)
{
    struct weir__client_connection *c = NULL;
    int err;

    origin->users++;
    err = wait_for_slot(origin);
    if (err < 0) {
        origin->users--;
        return err;
    }
    if (!fresh)
        c = take_idle(origin);
    if (c == NULL)
        err = connect_new(origin, &c);
    if (err < 0) {
        weir_semaphore_release(&origin->slots);
        origin->users--;
        return err;
    }
    c->fetch = f;
    f->connection = c;
    return 0;
}

void weir__origin_release(struct weir__origin *origin, struct weir__fetch *f, bool keep)
{
    struct weir__client_connection *c = f->connection;

    f->connection = NULL;
    c->fetch = NULL;
    if (keep) {
        weir__list_push_front(&origin->idle, &c->node);
        weir__patience_enter(&origin->client->idle, &c->patient);
        weir__client_await(c);
    } else {
        drop(c);
    }
    weir_semaphore_release(&origin->slots);
    origin->users--;
}
