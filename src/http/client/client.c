/* SPDX-License-Identifier: MIT */
/* A client: options, opening and closing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/tls.h>

#include "base/reserved.h"
#include "core/misuse.h"
#include "core/scope.h"
#include "http/client/client.h"
#include "http/client/connection.h"
#include "http/client/origin.h"
#include "http/client/origin_table.h"
#include "http/client/secure.h"

enum {
    CONNECTIONS_PER_ORIGIN = 256,
    WAITING_PER_ORIGIN = 1024,
    ORIGINS = 1024,
    IDLE_CONNECTIONS = 1024,
    IDLE_TIMEOUT_S = 15,
    CONNECT_TIMEOUT_S = 5,
    HEAD_BYTES = 16 << 10,
    HEADERS = 128,
    REPLY_BYTES = 4 << 20,
    REPLY_BYTES_MAX = 1 << 30,
    REPLIES_BYTES = 256 << 20,
};

/* --- opening and closing --- */

static int fill_defaults(weir_client_options *o)
{
    if (!weir__reserved_is_zero(o->reserved, sizeof o->reserved) || o->connections_per_origin < 0 ||
        o->waiting_per_origin < 0 || o->origins < 0 || o->idle_connections < 0 || o->idle_timeout.ns < 0 ||
        o->connect_timeout.ns < 0 || o->head_bytes > WEIR__CLIENT_HEAD_BYTES_MAX || o->headers < 0 ||
        o->headers > WEIR__CLIENT_HEADERS_MAX || o->reply_bytes > REPLY_BYTES_MAX ||
        !weir__client_tls_fits(o->tls))
        return -EINVAL;
    o->connections_per_origin =
        o->connections_per_origin != 0 ? o->connections_per_origin : CONNECTIONS_PER_ORIGIN;
    o->waiting_per_origin = o->waiting_per_origin != 0 ? o->waiting_per_origin : WAITING_PER_ORIGIN;
    o->origins = o->origins != 0 ? o->origins : ORIGINS;
    o->idle_connections = o->idle_connections != 0 ? o->idle_connections : IDLE_CONNECTIONS;
    o->idle_timeout = o->idle_timeout.ns != 0 ? o->idle_timeout : weir_seconds(IDLE_TIMEOUT_S);
    o->connect_timeout = o->connect_timeout.ns != 0 ? o->connect_timeout : weir_seconds(CONNECT_TIMEOUT_S);
    o->head_bytes = o->head_bytes != 0 ? o->head_bytes : HEAD_BYTES;
    o->replies_bytes = o->replies_bytes != 0 ? o->replies_bytes : REPLIES_BYTES;
    o->headers = o->headers != 0 ? o->headers : HEADERS;
    o->reply_bytes = o->reply_bytes != 0 ? o->reply_bytes : REPLY_BYTES;
    return 0;
}

static int64_t idle_since(struct weir__spare *spare)
{
    weir_client *client = weir__container_of(spare, weir_client, spare);

    return client->idle_count > 0 ? weir__origin_oldest_idle(client)->idle_entry.since_ns : INT64_MAX;
}

static void close_idle(struct weir__spare *spare)
{
    weir__client_drop(weir__origin_oldest_idle(weir__container_of(spare, weir_client, spare)));
}

static void free_rest(weir_client *client)
{
    weir__client_stats_close(&client->stats); /* other threads read what is registered */
    weir__timeout_list_stop(&client->idle);
    weir__list_remove(&client->spare.node);
    free(client->fields);
    weir_tls_close(client->tls);
}

bool weir__client_abandon(weir_client *client)
{
    client->closing = true;
    weir__client_drop_all_idle(client);
    if (client->connection_count > 0 || !weir__client_free_origins(client))
        return false;
    free_rest(client);
    return true;
}

/* Of a client that was left open: its idle connections end with it. */
static bool end(struct weir__handle *h)
{
    bool gone = weir__client_abandon(weir__container_of(h, weir_client, handle));

    if (gone)
        weir__handle_free(h);
    return gone;
}

static void free_client(struct weir__handle *h)
{
    free(weir__container_of(h, weir_client, handle));
}

static const struct weir__handle_type clients = {"HTTP clients", end, free_client};

int weir__client_begin(weir_client *client, const weir_client_options *options, struct weir__loop *loop)
{
    memset(client, 0, sizeof *client);
    client->options = *options;
    client->loop = loop;
    if (fill_defaults(&client->options) < 0)
        return -EINVAL;
    client->field_room = (size_t)client->options.headers;
    client->fields = malloc(client->field_room * sizeof client->fields[0]);
    if (client->fields == NULL)
        return -ENOMEM;
    client->tls = client->options.tls != NULL ? weir_tls_hold(client->options.tls) : NULL;
    weir__list_init(&client->origins);
    for (size_t i = 0; i < WEIR__CLIENT_BUCKETS; i++)
        weir__list_init(&client->buckets[i]);
    weir__timeout_list_init(&client->idle, client->loop, client->options.idle_timeout,
                            weir__client_idle_exhausted);
    weir__list_init(&client->idle_limited);
    client->spare.idle_since_ns = idle_since;
    client->spare.close_idle = close_idle;
    weir__spare_add(client->loop, &client->spare);
    weir_event_init(&client->quiet);
    client->stats.unseen = options->quiet;
    weir__client_stats_open(&client->stats, client->loop);
    return 0;
}

int weir_client_open(const weir_client_options *options, weir_client **out)
{
    static const weir_client_options defaults;
    weir_client *client = malloc(sizeof *client);
    int err;

    (void)weir__calling_task(__func__);
    if (client == NULL)
        return -ENOMEM;
    err = weir__client_begin(client, options != NULL ? options : &defaults, weir__loop_current());
    if (err < 0) {
        free(client);
        return err;
    }
    weir__handle_open(&client->handle, &clients, __builtin_return_address(0));
    *out = client;
    return 0;
}

static void wait_until_quiet(weir_client *client)
{
    weir_scope shield;

    weir__scope_open_long_shield(&shield, weir_never());
    while (client->connection_count > 0 && weir_event_wait(&client->quiet) == 0)
        ;
    while (!weir__client_free_origins(client))
        (void)weir_yield();
    (void)weir_scope_close(&shield);
}

void weir__client_finish(weir_client *client)
{
    client->closing = true;
    weir__client_drop_all_idle(client);
    wait_until_quiet(client);
    free_rest(client);
}

void weir_client_close(weir_client *client)
{
    if (client == NULL)
        return;
    weir__check_loop(client->handle.loop, __func__, "a client");
    weir__list_each (node, &client->origins)
        if (weir__container_of(node, struct weir__origin, node)->users > 0)
            weir__misuse(__func__, "of a client with requests in progress",
                         "close the scope of their tasks, and every weir_fetch_stream, first");
    weir__client_finish(client);
    weir__handle_close(&client->handle);
    weir__handle_free(&client->handle);
}
