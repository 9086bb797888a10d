/* SPDX-License-Identifier: MIT */
/* The client: options, origins, and answers read whole. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/account/attribution.h"
#include "core/loop.h"
#include "core/scope.h"
#include "core/account/activity.h"
#include "http/client/client.h"
#include "http/message/headers.h"

enum {
    CONNECTIONS_PER_ORIGIN = 256,
    WAITING_PER_ORIGIN = 1024,
    ORIGINS = 1024,
    IDLE_CONNECTIONS = 1024,
    IDLE_TIMEOUT_S = 15,
    CONNECT_TIMEOUT_S = 5,
    HEAD_BYTES = 16 << 10,
    HEADERS = 128,
    HEADERS_MAX = 1000,
    REPLY_BYTES = 4 << 20,
    REPLY_BYTES_MAX = 1 << 30,
    REPLIES_BYTES = 256 << 20,
    HOST_BYTES_MAX = 255,
};

/* --- opening and closing --- */

static int fill_defaults(weir_client_options *o)
{
    if (o->connections_per_origin < 0 || o->waiting_per_origin < 0 || o->origins < 0 ||
        o->idle_connections < 0 || o->idle_timeout.ns < 0 || o->connect_timeout.ns < 0 ||
        o->head_bytes > 1 << 20 || o->headers < 0 || o->headers > HEADERS_MAX ||
        o->reply_bytes > REPLY_BYTES_MAX)
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

int weir_client_open(const weir_client_options *options, weir_client **out)
{
    weir_client_options filled = options != NULL ? *options : (weir_client_options){0};
    weir_client *client;
    int err = fill_defaults(&filled);

    if (err < 0)
        return err;
    client = calloc(1, sizeof *client + (size_t)filled.headers * sizeof client->fields[0]);
    if (client == NULL)
        return -ENOMEM;
    client->options = filled;
    client->loop = weir__task_current()->loop;
    weir__list_init(&client->origins);
    for (size_t i = 0; i < WEIR__CLIENT_BUCKETS; i++)
        weir__list_init(&client->buckets[i]);
    weir__timeout_list_init(&client->idle, client->loop, client->options.idle_timeout,
                            weir__client_idle_exhausted);
    weir__list_init(&client->idle_told);
    weir_event_init(&client->quiet);
    weir__origin_book_open(&client->book, client->loop);
    *out = client;
    return 0;
}

static struct weir__origin *origin_of(struct weir__list *node)
{
    return weir__container_of(node, struct weir__origin, node);
}

static void wait_until_quiet(weir_client *client)
{
    weir_scope shield;

    weir__scope_open_long_shield(&shield, weir_never());
    while (client->connection_count > 0 && weir_event_wait(&client->quiet) == 0)
        ;
    (void)weir_scope_close(&shield);
}

void weir_client_close(weir_client *client)
{
    if (client == NULL)
        return;
    client->closing = true;
    weir__list_each (node, &client->origins)
        weir__origin_close_idle(origin_of(node));
    wait_until_quiet(client);
    while (!weir__list_is_empty(&client->origins))
        weir__origin_free(origin_of(client->origins.next));
    weir__origin_book_close(&client->book);
    weir__timeout_list_stop(&client->idle);
    free(client);
}

/* --- origins --- */

int weir__client_url(const char *text, struct weir__http_url *url)
{
    if (weir__http_url_parse(weir_bytes_of(text), url, NULL) < 0 || url->tls)
        return -EINVAL;
    return 0;
}

/* Forgets the origin unused longest. */
static int make_place(weir_client *client)
{
    if (client->origin_count < client->options.origins)
        return 0;
    for (struct weir__list *node = client->origins.prev; node != &client->origins; node = node->prev) {
        struct weir__origin *origin = origin_of(node);
        if (origin->users > 0)
            continue;
        weir__origin_close_idle(origin);
        weir__origin_free(origin);
        return 0;
    }
    return -WEIR_EBUSY;
}

static struct weir__list *bucket_of(weir_client *client, const struct weir__http_url *url)
{
    uint32_t hash = 2166136261u ^ url->port;

    for (size_t i = 0; i < url->host.len; i++)
        hash = (hash ^ ((uint8_t)url->host.data[i] | 0x20u)) * 16777619u;
    return &client->buckets[(hash ^ hash >> 16) % WEIR__CLIENT_BUCKETS];
}

static int add_origin(weir_client *client, const struct weir__http_url *url, struct weir__origin **out)
{
    static const char waits_for[] = "an answer from ";
    struct weir__origin *origin;
    int err = make_place(client);

    if (err < 0)
        return err;
    origin = calloc(1, sizeof *origin);
    if (origin == NULL || asprintf(&origin->waits_for, url->ip6 ? "%s[%.*s]:%u" : "%s%.*s:%u", waits_for,
                                   (int)url->host.len, url->host.data, url->port) < 0) {
        free(origin);
        return -ENOMEM;
    }
    origin->address = origin->waits_for + sizeof waits_for - 1;
    origin->counts = weir__origin_counts_add(&client->book, origin->address);
    if (origin->counts == NULL) {
        free(origin->waits_for);
        free(origin);
        return -ENOMEM;
    }
    origin->host = (weir_bytes){origin->address + url->ip6, url->host.len};
    origin->port = url->port;
    origin->client = client;
    weir__list_init(&origin->idle);
    weir_semaphore_init(&origin->slots, client->options.connections_per_origin);
    weir__list_push_front(&client->origins, &origin->node);
    weir__list_push_front(bucket_of(client, url), &origin->bucket);
    client->origin_count++;
    *out = origin;
    return 0;
}

int weir__client_origin(weir_client *client, const struct weir__http_url *url, struct weir__origin **out)
{
    struct weir__list *bucket = bucket_of(client, url);

    if (url->host.len > HOST_BYTES_MAX)
        return -EINVAL;
    weir__list_each (node, bucket) {
        struct weir__origin *origin = weir__container_of(node, struct weir__origin, bucket);
        if (origin->port != url->port || !weir_bytes_equal_nocase(origin->host, url->host))
            continue;
        weir__list_remove(&origin->node);
        weir__list_push_front(&client->origins, &origin->node);
        *out = origin;
        return 0;
    }
    return add_origin(client, url, out);
}

/* --- whole answers --- */

static bool is_cancel(int err)
{
    return err < 0 && err == weir_cancelled();
}

/* A write that fails is not the end: the backend may have answered before it stopped listening. One that was
 * given up was so because there is an answer, or will be none. */
static int exchange(struct weir__fetch *f, const weir_fetch_options *options)
{
    int sent = weir__fetch_send(f, options->body, options->body_bytes);

    if (is_cancel(sent))
        return sent;
    while (!f->ended) {
        int err = weir__fetch_wait(f);
        if (err < 0)
            return err;
    }
    f->keep = f->keep && sent == 0;
    return f->err < 0 && sent < 0 && !f->began ? sent : f->err;
}

static int fetch_from(struct weir__origin *origin, const weir_fetch_options *options,
                      const struct weir__http_url *url, weir_reply *reply)
{
    char head[WEIR__FETCH_HEAD_ROOM];
    struct weir__fetch f;
    int err;

    weir__fetch_init(&f, origin->client, options, false);
    err = weir__fetch_write_head(&f, options, url, (int64_t)options->body_bytes, head);
    if (err < 0)
        return err;
    err = weir__origin_acquire(origin, &f, false);
    if (err == 0)
        err = exchange(&f, options);
    if (weir__fetch_is_stale(&f, err)) {
        err = weir__origin_replace(origin, &f);
        weir__fetch_restart(&f);
        if (err == 0)
            err = exchange(&f, options);
    }
    weir__origin_ended(origin, &f, err);
    if (f.connection != NULL)
        weir__origin_release(origin, &f, err == 0 && f.keep);
    weir__fetch_free_head(&f);
    if (err < 0) {
        weir__fetch_drop_reply(&f);
        reply->why = f.words;
        return err;
    }
    if (f.body_room > WEIR__REPLY_SMALL_BYTES)
        weir__fetch_trim_body(&f);
    if (f.body_room > 0)
        ((char *)(uintptr_t)f.reply.body)[f.reply.body_bytes] = '\0';
    *reply = f.reply;
    return 0;
}

const char *weir__client_blame_name(const weir_fetch_options *options, const struct weir__origin *origin)
{
    struct weir__ledger *l = weir__attribution_ledger(weir__task_current());

    if (l == NULL)
        return NULL;
    return options->name != NULL ? options->name : weir__ledger_name(l, origin->address);
}

int weir_fetch(weir_client *client, const weir_fetch_options *options, weir_reply *reply)
{
    struct weir__task *self = weir__task_current();
    const struct weir__activity *activity = self->activity;
    struct weir__http_url url;
    struct weir__origin *origin;
    int err;

    *reply = (weir_reply){0};
    err = weir__client_url(options->url, &url);
    if (err == 0)
        err = weir__client_origin(client, &url, &origin);
    if (err == 0) {
        struct weir__attribution before =
            weir__attribution_on(self, WEIR_CHARGE_BACKEND, weir__client_blame_name(options, origin));
        err = fetch_from(origin, options, &url, reply);
        weir__attribution_back(self, before);
    }
    if (err == 0 && activity != NULL)
        weir__arena_attach(activity->memory, reply->memory);
    return err;
}

int weir_get(weir_client *client, const char *url, weir_reply *reply)
{
    weir_fetch_options options = {.url = url};

    return weir_fetch(client, &options, reply);
}

/* --- what answers hold --- */

static const char too_much_held[] = "answers of backends hold as much memory as they may";

bool weir__client_has_room(const weir_client *client, size_t bytes)
{
    size_t held = weir__account_sum(&client->loop->buffered);

    return held <= client->options.replies_bytes && bytes <= client->options.replies_bytes - held;
}

int weir_client_hold(weir_client *client, size_t bytes)
{
    const struct weir__task *self = weir__task_current();

    if (weir__client_has_room(client, bytes)) {
        weir__account_take(&client->loop->buffered, bytes);
        return 0;
    }
    if (self->activity != NULL) {
        self->activity->busy_why = too_much_held;
        self->activity->busy_reason = "replies";
        self->activity->busy_for_ns = 1000000000;
    }
    return -WEIR_EBUSY;
}

void weir_client_unhold(weir_client *client, size_t bytes)
{
    weir__account_give(&client->loop->buffered, bytes);
}

/* --- answers --- */

const char *weir_reply_header_value(const weir_reply *reply, const char *name)
{
    weir_bytes wanted = weir_bytes_of(name);

    for (size_t i = 0; i < reply->header_count; i++)
        if (weir_bytes_equal_nocase(weir_bytes_of(reply->headers[i].name), wanted))
            return reply->headers[i].value;
    return NULL;
}

void weir_reply_free(weir_reply *reply)
{
    if (reply->memory != NULL)
        weir__arena_free(reply->memory);
    *reply = (weir_reply){0};
}
