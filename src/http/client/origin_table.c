/* SPDX-License-Identifier: MIT */
#include "http/client/origin_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "http/client/connection.h"
#include "http/client/origin.h"
#include "http/message/url.h"

static struct weir__origin *origin_of(struct weir__list *node)
{
    return weir__container_of(node, struct weir__origin, node);
}

static void free_memory(struct weir__origin *origin)
{
    free(origin->waits_for);
    free(origin->tls_name);
    free(origin->tls_key);
    free(origin);
}

/* Returns: false: another loop has sent it a message, which is still to come. */
static bool free_origin(struct weir__origin *origin)
{
    if (origin->slots == &origin->own_slots && !weir__slot_share_close(&origin->own_slots))
        return false;
    weir__list_remove(&origin->node);
    weir__list_remove(&origin->bucket);
    origin->client->origin_count--;
    weir__origin_counts_drop(&origin->client->stats, origin->counts);
    free_memory(origin);
    return true;
}

/* A path and query alone; the backend knows the host. */
static int read_path(const char *text, weir_url *url, const char **why)
{
    *url = (weir_url){.target = weir_bytes_of(text)};
    *why = NULL;
    if (weir_url_check_target(url->target, NULL) == 0)
        return 0;
    *why = "the path is not valid: expected other characters written as '%XX'";
    return -EINVAL;
}

int weir__client_url(weir_client *client, const weir_fetch_options *options, weir_url *url, const char **why)
{
    size_t at;

    if (options->url == NULL) {
        *why = "options.url is missing: it names the host and the path, also if options.address is set";
        return -EINVAL;
    }
    *why = options->target != NULL ? weir__url_memo_read(client->url_memos, options->url, url)
                                   : weir__url_read(weir_bytes_of(options->url), url, &at);
    return *why == NULL ? 0 : -EINVAL;
}

const char *weir__client_address_fault(const char *address)
{
    weir_address parsed;
    size_t at;
    const char *wrong = weir__address_read(weir_bytes_of(address), &parsed, &at);

    if (wrong == NULL && parsed.path.len == 0 && parsed.port == 0)
        wrong = "the address is not valid: expected a port from 1 to 65535, to connect to";
    return wrong;
}

int weir__client_backend_url(weir_client *client, const weir_fetch_options *options, weir_url *url,
                             const char **why)
{
    return options->url != NULL && options->url[0] == '/' ? read_path(options->url, url, why)
                                                          : weir__client_url(client, options, url, why);
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
        if (free_origin(origin))
            return 0;
    }
    return -WEIR_EBUSY;
}

static struct weir__list *bucket_of(weir_client *client, const weir_url *url, const char *address)
{
    uint32_t hash = 2166136261u ^ url->port ^ (uint32_t)url->tls << 16;

    for (size_t i = 0; i < url->host.len; i++)
        hash = (hash ^ ((uint8_t)url->host.data[i] | 0x20u)) * 16777619u;
    for (; address != NULL && *address != '\0'; address++)
        hash = (hash ^ (uint8_t)*address) * 16777619u;
    return &client->buckets[(hash ^ hash >> 16) % WEIR__CLIENT_BUCKETS];
}

/* Sets the name that TLS is for, once the origin has its label. host: that name, perhaps with a dot at its
 * end. Returns: false without memory. */
static bool name_tls(struct weir__origin *origin, weir_bytes host)
{
    weir_bytes name = weir_host_without_dot(host);

    origin->tls_name = strndup(name.data, name.len);
    if (origin->tls_name != NULL &&
        asprintf(&origin->tls_key, "%s at %s", origin->tls_name, origin->label) < 0)
        origin->tls_key = NULL;
    return origin->tls_key != NULL;
}

/* Sets what the origin is called. Returns: false without memory. */
static bool name_origin(struct weir__origin *origin, const weir_url *url, const char *address)
{
    static const char waits_for[] = "an answer from ";
    bool bracketed = url->host_type == WEIR_HOST_IPV6;
    int len = asprintf(&origin->waits_for, bracketed ? "%s[%.*s]:%u%s%s" : "%s%.*s:%u%s%s", waits_for,
                       (int)url->host.len, url->host.data, url->port, address != NULL ? " at " : "",
                       address != NULL ? address : "");

    if (len < 0) {
        origin->waits_for = NULL;
        return false;
    }
    origin->label = origin->waits_for + sizeof waits_for - 1;
    origin->host = (weir_bytes){origin->label + bracketed, url->host.len};
    origin->port = url->port;
    origin->address = address != NULL ? origin->waits_for + (size_t)len - strlen(address) : NULL;
    return !url->tls || name_tls(origin, url->host);
}

/* Returns: 0; -ENOMEM. */
static int open_parts(struct weir__origin *origin)
{
    const weir_client *client = origin->client;

    origin->counts = weir__origin_counts_add(&origin->client->stats, origin->tls_name != NULL, origin->label);
    if (origin->counts == NULL)
        return -ENOMEM;
    origin->slots = &origin->own_slots;
    origin->own_slots.waiting_max = client->options.waiting_per_origin;
    if (weir__slot_share_open(&origin->own_slots, &weir__origin_slots, origin->counts->origin,
                              client->options.connections_per_origin, NULL, origin->label) == 0)
        return 0;
    weir__origin_counts_drop(&origin->client->stats, origin->counts);
    return -ENOMEM;
}

static int add_origin(weir_client *client, const weir_url *url, const char *address,
                      struct weir__origin **out)
{
    struct weir__origin *origin;
    int err = address != NULL && weir__client_address_fault(address) != NULL ? -EINVAL : make_place(client);

    if (err < 0)
        return err;
    origin = calloc(1, sizeof *origin);
    if (origin == NULL)
        return -ENOMEM;
    origin->client = client;
    weir__list_init(&origin->idle);
    err = name_origin(origin, url, address) ? open_parts(origin) : -ENOMEM;
    if (err < 0) {
        free_memory(origin);
        return err;
    }
    weir__list_push_front(&client->origins, &origin->node);
    weir__list_push_front(bucket_of(client, url, address), &origin->bucket);
    client->origin_count++;
    *out = origin;
    return 0;
}

/* --- instances of backends --- */

/* Sets what the instance is called. Returns: false without memory. */
static bool name_instance(struct weir__origin *origin, const struct weir__client_instance *i)
{
    static const char waits_for[] = "an answer from ";
    const bool same = strcmp(i->authority, i->address) == 0;
    int len = asprintf(&origin->waits_for, "%s%s%s%s", waits_for, same ? "" : i->authority,
                       same ? "" : " at ", i->address);

    if (len < 0) {
        origin->waits_for = NULL;
        return false;
    }
    origin->label = origin->waits_for + sizeof waits_for - 1;
    origin->address = origin->waits_for + (size_t)len - strlen(i->address);
    return i->tls_name.len == 0 || name_tls(origin, i->tls_name);
}

int weir__client_add_instance(weir_client *client, const struct weir__client_instance *instance,
                              struct weir__slot_share *slots, struct weir__origin **out)
{
    struct weir__origin *origin = calloc(1, sizeof *origin);

    if (origin == NULL)
        return -ENOMEM;
    origin->client = client;
    origin->authority = instance->authority;
    origin->slots = slots;
    weir__list_init(&origin->idle);
    weir__list_init(&origin->bucket);
    if (name_instance(origin, instance))
        origin->counts = weir__origin_counts_add(&client->stats, origin->tls_name != NULL, origin->label);
    if (origin->counts == NULL) {
        free_memory(origin);
        return -ENOMEM;
    }
    weir__list_push_front(&client->origins, &origin->node);
    client->origin_count++;
    *out = origin;
    return 0;
}

void weir__client_free_gone(weir_client *client)
{
    weir__list_each_safe (node, &client->origins) {
        struct weir__origin *origin = origin_of(node);
        if (origin->gone && origin->users == 0)
            (void)free_origin(origin); /* it has no slots of its own to wait for */
    }
}

/* --- finding --- */

static bool is_at(const struct weir__origin *origin, const char *address)
{
    if (address == NULL || origin->address == NULL)
        return address == origin->address;
    return strcmp(origin->address, address) == 0;
}

int weir__client_origin(weir_client *client, const weir_url *url, const char *address,
                        struct weir__origin **out)
{
    struct weir__list *bucket = bucket_of(client, url, address);

    weir__list_each (node, bucket) {
        struct weir__origin *origin = weir__container_of(node, struct weir__origin, bucket);
        if (origin->port != url->port || (origin->tls_name != NULL) != url->tls ||
            !weir_bytes_equal_nocase(origin->host, url->host) || !is_at(origin, address))
            continue;
        weir__list_remove(&origin->node);
        weir__list_push_front(&client->origins, &origin->node);
        *out = origin;
        return 0;
    }
    return add_origin(client, url, address, out);
}

void weir__client_drop_all_idle(weir_client *client)
{
    weir__list_each (node, &client->origins)
        weir__client_drop_idle(origin_of(node));
}

bool weir__client_free_origins(weir_client *client)
{
    while (!weir__list_is_empty(&client->origins))
        if (!free_origin(origin_of(client->origins.next)))
            return false;
    return true;
}
