/* SPDX-License-Identifier: MIT */
#include "http/client/origin.h"

#include <stdio.h>

#include "core/sync.h"
#include "core/wait.h"
#include "http/client/connection.h"

/* --- slots --- */

static bool describe_slot(const struct weir__look *look, const struct weir__task *task,
                          struct weir__wait_words *out)
{
    const weir_semaphore *slots = weir__sync_place(look, task, out);
    struct weir__origin origin;
    char address[WEIR__WAIT_WORDS_BYTES / 2];

    if (slots == NULL ||
        !weir__peek(&look->peek, weir__container_of(slots, struct weir__origin, slots), &origin,
                    sizeof origin) ||
        !weir__peek_text(&look->peek, origin.label, address, sizeof address))
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
        weir__client_publish_counts(origin);
        err = weir__semaphore_acquire(&origin->slots, &a_slot);
        origin->waiting--;
        weir__client_publish_counts(origin);
        if (err < 0)
            return err;
    }
    origin->in_use++;
    weir__client_publish_counts(origin);
    return 0;
}

static void give_slot(struct weir__origin *origin)
{
    origin->in_use--;
    weir__client_publish_counts(origin);
    weir_semaphore_release(&origin->slots);
}

/* --- idle connections --- */

static struct weir__client_connection *take_idle(struct weir__origin *origin)
{
    struct weir__client_connection *c;

    if (weir__list_is_empty(&origin->idle))
        return NULL;
    c = weir__container_of(origin->idle.next, struct weir__client_connection, node);
    weir__client_leave_idle(c);
    c->reused = true;
    weir__origin_count(&origin->counts->reused);
    return c;
}

/* Drops the one idle longest of those whose servers do not say how long they keep them, else of the others.
 */
static void drop_one_idle(weir_client *client)
{
    struct weir__list *first =
        weir__list_is_empty(&client->idle.entries) ? client->idle_limited.next : client->idle.entries.next;

    weir__client_drop(weir__container_of(first, struct weir__client_connection, idle_entry.node));
}

static void wait_unused(weir_client *client, struct weir__client_connection *c)
{
    if (c->unused_ns == 0) {
        weir__timeout_list_enter(&client->idle, &c->idle_entry);
        return;
    }
    weir__list_push_back(&client->idle_limited, &c->idle_entry.node);
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
    weir__client_publish_counts(origin);
    weir__client_await(c);
}

/* --- connections --- */

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
        weir__client_drop_oldest(origin);
    if (c == NULL)
        err = weir__client_connect(origin, &c);
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

    weir__client_drop(f->connection);
    f->connection = NULL;
    err = weir__client_connect(origin, &c);
    if (err == 0) {
        assign(f, c);
        return 0;
    }
    give_slot(origin);
    origin->users--;
    return err;
}

void weir__origin_ended(struct weir__origin *origin, struct weir__fetch *f, int err)
{
    const struct weir__heartbeat *heartbeat;

    if (f->asked == 0) /* no origin was found for it, or its end is counted */
        return;
    heartbeat = &origin->client->loop->heartbeat;
    weir__origin_counts_ended(origin->counts,
                              &(struct weir__origin_end){.err = err,
                                                         .status = f->reply.status,
                                                         .words = err < 0 ? f->why : NULL,
                                                         .connected = f->connection != NULL},
                              weir__heartbeat_ns(heartbeat, weir__heartbeat_ticks(heartbeat) - f->asked));
    f->asked = 0;
}

void weir__origin_release(struct weir__origin *origin, struct weir__fetch *f, bool keep)
{
    struct weir__client_connection *c = f->connection;

    f->connection = NULL;
    weir__client_stop_timeout(c);
    if (keep)
        keep_idle(origin, c);
    else
        weir__client_drop(c);
    give_slot(origin);
    origin->users--;
}
