/* SPDX-License-Identifier: MIT */
#include "http/client/origin_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/client/connection.h"

enum { HOST_BYTES_MAX = 255 };

static struct weir__origin *origin_of(struct weir__list *node)
{
    return weir__container_of(node, struct weir__origin, node);
}

static void free_origin(struct weir__origin *origin)
{
    weir__list_remove(&origin->node);
    weir__list_remove(&origin->bucket);
    origin->client->origin_count--;
    weir__origin_counts_drop(&origin->client->stats, origin->counts);
    free(origin->waits_for);
    free(origin);
}

int weir__client_url(const char *text, struct weir__http_url *url)
{
    if (weir__http_url_parse(weir_bytes_of(text), url, NULL) < 0 || url->tls)
        return -EINVAL;
    return 0;
}

/* Forgets the origin that was used longest ago. */
static int make_place(weir_client *client)
{
    if (client->origin_count < client->options.origins)
        return 0;
    for (struct weir__list *node = client->origins.prev; node != &client->origins; node = node->prev) {
        struct weir__origin *origin = origin_of(node);
        if (origin->users > 0)
            continue;
        weir__client_drop_idle(origin);
        free_origin(origin);
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
    origin->counts = weir__origin_counts_add(&client->stats, origin->address);
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

void weir__client_drop_all_idle(weir_client *client)
{
    weir__list_each (node, &client->origins)
        weir__client_drop_idle(origin_of(node));
}

void weir__client_free_origins(weir_client *client)
{
    while (!weir__list_is_empty(&client->origins))
        free_origin(origin_of(client->origins.next));
}
