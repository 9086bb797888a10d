/* SPDX-License-Identifier: MIT */
/* The connections to one origin. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/scope.h>

#include "core/account/attribution.h"
#include "core/sync.h"
#include "http/client/client.h"

/* Reading goes on at once while the kernel has more, but not so long that others wait for it. */
enum { AWAITS_AT_ONCE = 16 };

/* --- closing --- */

static void closed(weir_stream *stream)
{
    struct weir__client_connection *c = weir__stream_extra(stream);
    weir_client *client = c->client;

    client->connection_count--;
    if (client->closing && client->connection_count == 0)
        weir_event_set(&client->quiet);
}

static void tell(const struct weir__origin *origin)
{
    weir__origin_counts_now(origin->counts, origin->in_use, origin->idle_count, origin->waiting);
}

static void stop_timeout(struct weir__client_connection *c)
{
    if (weir__timer_is_set(&c->timeout.timer))
        weir__timeout_cancel(c->client->loop, &c->timeout);
}

static void leave_idle(struct weir__client_connection *c)
{
    weir__list_remove(&c->node);
    weir__timeout_list_leave(&c->patient);
    stop_timeout(c);
    c->origin->idle_count--;
    c->client->idle_count--;
    tell(c->origin);
}

static void drop(struct weir__client_connection *c)
{
    if (!weir__list_is_empty(&c->node))
        leave_idle(c);
    stop_timeout(c);
    c->fetch = NULL;
    c->origin = NULL;
    weir__stream_close_detached(weir__client_stream(c), closed);
}

static void drop_oldest(struct weir__origin *origin)
{
    drop(weir__container_of(origin->idle.prev, struct weir__client_connection, node));
}

void weir__origin_close_idle(struct weir__origin *origin)
{
    while (!weir__list_is_empty(&origin->idle))
        drop_oldest(origin);
}

void weir__client_idle_exhausted(struct weir__timeout_entry *p)
{
    drop(weir__container_of(p, struct weir__client_connection, patient));
}

static void timed_out(struct weir__timeout *timeout)
{
    struct weir__client_connection *c = weir__container_of(timeout, struct weir__client_connection, timeout);

    if (c->fetch != NULL)
        weir__client_await(c); /* a turn has gone by */
    else
        drop(c);
}

void weir__origin_free(struct weir__origin *origin)
{
    weir__list_remove(&origin->node);
    weir__list_remove(&origin->bucket);
    origin->client->origin_count--;
    weir__origin_counts_drop(&origin->client->book, origin->counts);
    free(origin->waits_for);
    free(origin);
}

/* --- receiving --- */

/* An idle connection has nothing to say: the end closes it, and so does an answer nobody asked for. */
static bool handle(struct weir__client_connection *c, char *data, int32_t result)
{
    weir_stream *stream = weir__client_stream(c);
    bool more = false;

    c->awaiting = false;
    if (c->fetch != NULL)
        more = weir__fetch_feed(c->fetch, data, result);
    else
        drop(c);
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
    if (c->fetch->writing != NULL) /* its task is not there to ask again */
        weir__timeout_set(c->client->loop, &c->timeout, 0);
    else
        weir__fetch_wake(c->fetch);
}

/* --- taking and giving back --- */

static bool describe_slot(const struct weir__look *look, const struct weir__task *task,
                          struct weir__wait_words *out)
{
    const weir_semaphore *slots = weir__sync_place(look, task, out);
    struct weir__origin origin;
    char address[WEIR__WAIT_WORDS_BYTES / 2];

    if (slots == NULL ||
        !weir__peek(&look->peek, weir__container_of(slots, struct weir__origin, slots), &origin,
                    sizeof origin) ||
        !weir__peek_text(&look->peek, origin.address, address, sizeof address))
        return false;
    (void)snprintf(out->text, sizeof out->text, "slot for %s", address);
    return true;
}

static const struct weir__wait_class a_slot = {"slot for an origin", describe_slot,
                                               .charge = WEIR_CHARGE_SLOT};

static int take_slot(struct weir__origin *origin)
{
    int err;

    if (!weir_semaphore_try(&origin->slots)) {
        if (origin->waiting >= origin->client->options.waiting_per_origin)
            return -WEIR_EBUSY;
        origin->waiting++;
        tell(origin);
        err = weir__semaphore_acquire(&origin->slots, &a_slot);
        origin->waiting--;
        tell(origin);
        if (err < 0)
            return err;
    }
    origin->in_use++;
    tell(origin);
    return 0;
}

static void give_slot(struct weir__origin *origin)
{
    origin->in_use--;
    tell(origin);
    weir_semaphore_release(&origin->slots);
}

static int connect_new(struct weir__origin *origin, struct weir__client_connection **out)
{
    const char *to = origin->client->options.connect_to;
    struct weir__task *self = weir__task_current();
    struct weir__attribution before;
    weir_stream *stream;
    weir_scope attempt;
    int err;

    before = weir__attribution_on(self, WEIR_CHARGE_CONNECT, self->attribution.name);
    weir_scope_open(&attempt, weir_after(origin->client->options.connect_timeout), 0);
    err = weir__connect(to != NULL ? to : origin->address, sizeof **out, &stream);
    (void)weir_scope_close(&attempt);
    weir__attribution_back(self, before);
    if (err < 0)
        return err == -WEIR_EDEADLINE && weir_scope_expired(&attempt) ? -ETIMEDOUT : err;
    *out = weir__stream_extra(stream);
    (*out)->client = origin->client;
    (*out)->origin = origin;
    weir__list_init(&(*out)->node);
    weir__list_init(&(*out)->patient.node);
    weir__timeout_init(&(*out)->timeout, timed_out);
    origin->client->connection_count++;
    weir__origin_count(&origin->counts->connected);
    return 0;
}

static struct weir__client_connection *take_idle(struct weir__origin *origin)
{
    struct weir__client_connection *c;

    if (weir__list_is_empty(&origin->idle))
        return NULL;
    c = weir__container_of(origin->idle.next, struct weir__client_connection, node);
    leave_idle(c);
    c->reused = true;
    weir__origin_count(&origin->counts->reused);
    return c;
}

static void assign(struct weir__fetch *f, struct weir__client_connection *c)
{
    c->fetch = f;
    f->connection = c;
}

int weir__origin_acquire(struct weir__origin *origin, struct weir__fetch *f, bool fresh)
{
    struct weir__client_connection *c = NULL;
    int err;

    origin->users++;
    f->asked = weir__heartbeat_ticks(&origin->client->loop->heartbeat);
    weir__origin_count(&origin->counts->requests);
    err = take_slot(origin);
    if (err < 0) {
        origin->users--;
        return err;
    }
    if (!fresh)
        c = take_idle(origin);
    else if (origin->in_use + origin->idle_count > origin->client->options.connections_per_origin)
        drop_oldest(origin);
    if (c == NULL)
        err = connect_new(origin, &c);
    if (err < 0) {
        give_slot(origin);
        origin->users--;
        return err;
    }
    assign(f, c);
    return 0;
}

int weir__origin_replace(struct weir__origin *origin, struct weir__fetch *f)
{
    struct weir__client_connection *c;
    int err;

    drop(f->connection);
    f->connection = NULL;
    err = connect_new(origin, &c);
    if (err == 0) {
        assign(f, c);
        return 0;
    }
    give_slot(origin);
    origin->users--;
    return err;
}

/* Of those whose servers say nothing the one unused longest, else of the others. */
static void drop_one_idle(weir_client *client)
{
    struct weir__list *first =
        weir__list_is_empty(&client->idle.entries) ? client->idle_told.next : client->idle.entries.next;

    drop(weir__container_of(first, struct weir__client_connection, patient.node));
}

static void wait_unused(weir_client *client, struct weir__client_connection *c)
{
    if (c->unused_ns == 0) {
        weir__timeout_list_enter(&client->idle, &c->patient);
        return;
    }
    weir__list_push_back(&client->idle_told, &c->patient.node);
    weir__timeout_set(client->loop, &c->timeout, weir__loop_now_ns(client->loop) + c->unused_ns);
}

static void keep_idle(struct weir__origin *origin, struct weir__client_connection *c)
{
    weir_client *client = origin->client;

    c->fetch = NULL;
    if (client->idle_count == client->options.idle_connections)
        drop_one_idle(client);
    weir__list_push_front(&origin->idle, &c->node);
    wait_unused(client, c);
    origin->idle_count++;
    client->idle_count++;
    tell(origin);
    weir__client_await(c);
}

void weir__origin_ended(struct weir__origin *origin, struct weir__fetch *f, int err)
{
    const struct weir__heartbeat *heartbeat;

    if (f->asked == 0) /* perhaps it found no origin to ask */
        return;
    heartbeat = &origin->client->loop->heartbeat;
    weir__origin_counts_ended(origin->counts,
                              &(struct weir__origin_end){.err = err,
                                                         .status = f->reply.status,
                                                         .words = err < 0 ? f->words : NULL,
                                                         .connected = f->connection != NULL},
                              weir__heartbeat_ns(heartbeat, weir__heartbeat_ticks(heartbeat) - f->asked));
    f->asked = 0;
}

void weir__origin_release(struct weir__origin *origin, struct weir__fetch *f, bool keep)
{
    struct weir__client_connection *c = f->connection;

    f->connection = NULL;
    stop_timeout(c);
    if (keep)
        keep_idle(origin, c);
    else
        drop(c);
    give_slot(origin);
    origin->users--;
}
