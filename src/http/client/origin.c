/* SPDX-License-Identifier: MIT */
#include "http/client/origin.h"

#include "http/client/backend/outcome.h"
#include "http/client/connection.h"

/* --- idle connections --- */

static struct weir__client_connection *connection_of(struct weir__list *node)
{
    return weir__container_of(node, struct weir__client_connection, node);
}

/* The one that is unused longest: its server closes it first, and each is used in turn. */
static struct weir__client_connection *take_oldest(struct weir__origin *origin)
{
    struct weir__client_connection *c = connection_of(origin->idle.next);

    weir__client_leave_idle(c);
    return c;
}

/* The one that was used last: its server closes it last. The loop may not have learnt yet that it has ended.
 */
static struct weir__client_connection *take_youngest(struct weir__origin *origin)
{
    while (!weir__list_is_empty(&origin->idle)) {
        struct weir__client_connection *c = connection_of(origin->idle.prev);
        if (!weir__stream_has_input(weir__client_stream(c))) {
            weir__client_leave_idle(c);
            return c;
        }
        weir__client_drop(c);
    }
    return NULL;
}

struct weir__client_connection *weir__origin_take_idle(struct weir__origin *origin,
                                                       const struct weir__fetch *f)
{
    if (weir__list_is_empty(&origin->idle) || f->kept == WEIR__KEPT_NONE)
        return NULL;
    return f->kept == WEIR__KEPT_OLDEST ? take_oldest(origin) : take_youngest(origin);
}

bool weir__origin_suits(struct weir__client_connection *c, const struct weir__fetch *f)
{
    return f->kept == WEIR__KEPT_OLDEST ||
           (f->kept == WEIR__KEPT_YOUNGEST && !weir__stream_has_input(weir__client_stream(c)));
}

struct weir__client_connection *weir__origin_oldest_idle(weir_client *client)
{
    struct weir__list *first =
        weir__list_is_empty(&client->idle.entries) ? client->idle_limited.next : client->idle.entries.next;

    return weir__container_of(first, struct weir__client_connection, idle_entry.node);
}

/* Inlined, as what follows, because every request comes by here. */
static inline __attribute__((always_inline)) void wait_unused(weir_client *client,
                                                              struct weir__client_connection *c)
{
    if (c->unused_ns == 0) {
        weir__timeout_list_enter(&client->idle, &c->idle_entry);
        return;
    }
    c->idle_entry.since_ns = weir__loop_now_ns(client->loop);
    weir__list_push_back(&client->idle_limited, &c->idle_entry.node);
    weir__timeout_set(client->loop, &c->timeout, c->idle_entry.since_ns + c->unused_ns);
}

static inline __attribute__((always_inline)) void keep_idle(struct weir__origin *origin,
                                                            struct weir__client_connection *c)
{
    weir_client *client = origin->client;

    if (client->idle_count == client->options.idle_connections)
        weir__client_drop(weir__origin_oldest_idle(client));
    weir__list_push_back(&origin->idle, &c->node);
    wait_unused(client, c);
    origin->idle_count++;
    client->idle_count++;
    weir__client_publish_counts(origin);
    weir__client_await(c);
}

/* --- slots --- */

static struct weir__origin *origin_of(struct weir__slot_share *slots)
{
    return weir__container_of(slots, struct weir__origin, own_slots);
}

static void *reuse(struct weir__slot_share *slots)
{
    struct weir__origin *origin = origin_of(slots);

    return weir__list_is_empty(&origin->idle) ? NULL : take_oldest(origin);
}

static void see_waiting(struct weir__slot_share *slots)
{
    weir__client_publish_counts(origin_of(slots));
}

const struct weir__slot_share_type weir__origin_slots = {weir__client_spare, reuse, see_waiting};

/* Waits for a slot, perhaps with a connection. */
static int wait_for_slot(struct weir__origin *origin, struct weir__client_connection **c)
{
    void *given;
    int err = weir__slot_share_wait(origin->slots, &given);

    *c = given;
    return err;
}

/* Takes a slot with a connection if there is one that f may have. *c NULL: there is none. */
static int take(struct weir__origin *origin, const struct weir__fetch *f, struct weir__client_connection **c)
{
    int err = 0;

    *c = weir__origin_take_idle(origin, f);
    if (*c != NULL)
        return 0;
    if (weir__slot_share_try(origin->slots))
        return 0;
    *c = weir__list_is_empty(&origin->idle) ? NULL : take_oldest(origin); /* for its slot */
    if (*c == NULL)
        err = wait_for_slot(origin, c);
    if (err == 0 && *c != NULL && !weir__origin_suits(*c, f)) {
        weir__client_drop(*c);
        *c = NULL;
    }
    return err;
}

static void unuse(struct weir__origin *origin)
{
    origin->in_use--;
    origin->users--;
    weir__client_publish_counts(origin);
}

/* --- connections --- */

static void assign(struct weir__fetch *f, struct weir__client_connection *c)
{
    c->fetch = f;
    f->connection = c;
}

/* Inlined, because every request comes by here. */
static inline __attribute__((always_inline)) int connect_fetch(struct weir__origin *origin,
                                                               struct weir__fetch *f,
                                                               struct weir__client_connection *c)
{
    int err = 0;

    origin->in_use++;
    weir__client_publish_counts(origin);
    if (c != NULL) {
        c->reused_ns = weir__loop_now_ns(origin->client->loop);
        weir__origin_count(&origin->counts->reused);
    } else {
        err = weir__client_connect(origin, &c, &f->why);
    }
    if (err < 0) {
        weir__slot_share_give(origin->slots);
        unuse(origin);
        return err;
    }
    assign(f, c);
    return 0;
}

int weir__origin_acquire(struct weir__origin *origin, struct weir__fetch *f)
{
    struct weir__client_connection *c;
    int err;

    origin->users++;
    f->asked = weir__heartbeat_ticks(&origin->client->loop->heartbeat);
    weir__origin_count(&origin->counts->requests);
    err = take(origin, f, &c);
    if (err < 0) {
        origin->users--;
        return err;
    }
    return connect_fetch(origin, f, c);
}

void weir__origin_begin(struct weir__origin *origin)
{
    origin->users++;
    weir__origin_count(&origin->counts->requests);
}

void weir__origin_unbegin(struct weir__origin *origin)
{
    origin->users--;
}

int weir__origin_connect(struct weir__origin *origin, struct weir__fetch *f,
                         struct weir__client_connection *c)
{
    return connect_fetch(origin, f, c);
}

int weir__origin_replace(struct weir__origin *origin, struct weir__fetch *f)
{
    struct weir__client_connection *c;
    int err;

    weir__client_drop(f->connection);
    f->connection = NULL;
    err = weir__client_connect(origin, &c, &f->why);
    if (err == 0) {
        assign(f, c);
        return 0;
    }
    weir__slot_share_give(origin->slots);
    unuse(origin);
    return err;
}

void weir__origin_ended(struct weir__origin *origin, struct weir__fetch *f, int err)
{
    const struct weir__heartbeat *heartbeat;
    int64_t took_ns;

    if (f->asked == 0) /* no origin was found for it, or its end is counted */
        return;
    heartbeat = &origin->client->loop->heartbeat;
    took_ns = weir__heartbeat_ns(heartbeat, weir__heartbeat_ticks(heartbeat) - f->asked);
    f->reply.took.ns += took_ns; /* added to that of attempts before */
    weir__origin_counts_ended(origin->counts,
                              &(struct weir__origin_end){.err = err,
                                                         .status = f->reply.status,
                                                         .words = err < 0 ? f->why : NULL,
                                                         .connected = f->connection != NULL},
                              took_ns);
    f->asked = 0;
    if (__builtin_expect(f->use.backend != NULL, 0)) {
        f->reply.instance = (unsigned char)(f->use.number + 1);
        if (__builtin_expect(f->reply.status >= 429, 0))
            weir__backend_note_pushback(&f->use, &f->reply);
        if (err == -WEIR_EDEADLINE && f->foreign_deadline)
            err = -WEIR_ECANCELED; /* as of a caller that leaves */
        weir__backend_ended(&f->use, err, f->reply.status, f->why);
    }
}

static inline __attribute__((always_inline)) void leave(struct weir__origin *origin,
                                                        struct weir__client_connection *c, bool keep)
{
    enum weir__slot_fate fate = WEIR__SLOT_WANTED;

    if (keep && !origin->gone)
        fate = weir__slot_share_release(origin->slots, c);
    if (fate == WEIR__SLOT_IDLE) {
        keep_idle(origin, c);
        return;
    }
    weir__client_publish_counts(origin);
    if (fate == WEIR__SLOT_WANTED) {
        weir__client_drop(c);
        weir__slot_share_give(origin->slots);
    }
}

void weir__origin_release(struct weir__origin *origin, struct weir__fetch *f, bool keep)
{
    struct weir__client_connection *c = f->connection;

    f->connection = NULL;
    c->fetch = NULL;
    weir__client_stop_timeout(c);
    origin->in_use--;
    leave(origin, c, keep);
    origin->users--;
}

void weir__origin_put_back(struct weir__origin *origin, struct weir__client_connection *c)
{
    if (c != NULL)
        weir__client_drop(c);
    weir__client_publish_counts(origin);
    weir__slot_share_give(origin->slots);
}

int weir__origin_give_away(struct weir__origin *origin, struct weir__fetch *f, weir_stream **out)
{
    struct weir__client_connection *c = f->connection;
    int err;

    weir__client_stop_timeout(c);
    err =
        weir__stream_publish(weir__client_stream(c), f->piece + f->piece_at, f->piece_len - f->piece_at, out);
    if (err < 0)
        return err;
    f->connection = NULL;
    origin->client->connection_count--;
    weir__slot_share_give(origin->slots);
    unuse(origin);
    return 0;
}
