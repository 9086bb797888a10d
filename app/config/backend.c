/* SPDX-License-Identifier: MIT */
#include "config/backend.h"

#include <string.h>
#include <strings.h>

#include <weir/http_text.h>
#include <weir/url.h>

#include "config/attempts.h"
#include "config/header.h"
#include "config/schema.h"
#include "config/value.h"

enum { NAME_BYTES_MAX = 64, URLS_MAX = 64, LIMIT_MAX = 10000000 };

static const char expected_url[] = "http://HOST[:PORT], https://HOST[:PORT] or unix:PATH";

/* --- urls --- */

/* A backend being read. */
struct draft {
    struct config_backend backend;
    const struct tree_node *urls, *balance, *health, *eject, *breaker, *limit, *hedge, *retry, *tls;
};

/* Checks a URL that names an instance: its path comes with each request. */
static bool url_is_fine(struct config_reader *reader, const struct tree_node *node)
{
    const weir_bytes text = {node->text, node->length};
    weir_text_fault fault;
    weir_url url;
    weir_address address;
    int err;

    if (strncmp(node->text, "unix:", 5) == 0) {
        err = weir_address_parse(text, &address, &fault);
    } else {
        err = weir_url_parse(text, &url, &fault);
        if (err == 0 && url.origin.len < text.len && strcmp(url.origin.data + url.origin.len, "/") != 0) {
            fault = (weir_text_fault){url.origin.len, "no path behind the host: requests have their own"};
            err = -1;
        } else if (err < 0 && strncmp(node->text, "http", 4) != 0) {
            fault = (weir_text_fault){0, expected_url};
        }
    }
    if (err < 0)
        fault_in_text(reader, node, "backend.urls", &fault);
    return err == 0;
}

static bool is_listed(const struct config_backend_url *urls, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(urls[i].text, text) == 0)
            return true;
    return false;
}

static void read_urls(struct config_reader *reader, const struct tree_node *node,
                      struct config_backend *backend)
{
    const bool one = node->type == TREE_SCALAR;
    const size_t count = one ? 1 : node->count;
    struct config_backend_url *urls;
    const char **texts;
    size_t n = 0;

    if (!node_is_text_or(reader, node, TREE_LIST, "backend.urls", "a URL, or a list of them"))
        return;
    if (count == 0 || count > URLS_MAX) {
        config_fault(reader->faults, node->place, "backend.urls has %zu entries, expected 1 to %d", count,
                     URLS_MAX);
        return;
    }
    urls = config_take(reader->memory, count * sizeof *urls);
    texts = config_take(reader->memory, count * sizeof *texts);
    if (urls == NULL || texts == NULL)
        return;
    for (const struct tree_node *item = one ? node : node->first; item != NULL;
         item = one ? NULL : item->next) {
        if (!node_is_text(reader, item, "backend.urls") || !url_is_fine(reader, item))
            continue;
        if (is_listed(urls, n, item->text)) {
            config_fault(reader->faults, item->place,
                         "backend.urls has '%s' twice, expected each instance once", item->text);
            continue;
        }
        backend->https = backend->https || strncasecmp(item->text, "https:", strlen("https:")) == 0;
        texts[n] = item->text;
        urls[n++] = (struct config_backend_url){item->text, item->place};
    }
    backend->urls = urls;
    backend->options.urls = texts;
    backend->options.url_count = n;
}

/* --- balance, health, ejection, breaker, limit --- */

static const char *const balance_names[] = {"least", "round_robin", NULL}; /* as enum weir_balance */

static const struct schema_key hash_keys[] = {
    {"hash", SCHEMA_CUSTOM, 0, .read = schema_keep_node, .required = "a text with parameters such as '{id}'"},
};
static const struct schema hash_schema = {.name = "backend.balance", SCHEMA_KEYS(hash_keys)};

/* The parameters are those of the routes that use the backend: backend_read() checks them. */
static bool any_param(struct config_reader *reader, const struct tree_node *node, struct config_template *out)
{
    if (!template_read_any(reader, node, "backend.balance.hash", out))
        return false;
    for (size_t i = 0; i < out->count; i++)
        if (out->parts[i].type != TEMPLATE_TEXT)
            return true;
    fault_value(reader, node, "backend.balance.hash", "a text with a parameter, such as '{id}'");
    return false;
}

/* Returns: the index of a name, or -1. */
static int balance_of(const struct tree_node *node)
{
    for (int i = 0; node->type == TREE_SCALAR && balance_names[i] != NULL; i++)
        if (strcmp(balance_names[i], node->text) == 0)
            return i;
    return -1;
}

static void read_balance(struct config_reader *reader, const struct tree_node *node,
                         struct config_backend *backend)
{
    const struct tree_node *hash = NULL;
    int balance;

    if (node->type != TREE_MAP) {
        balance = balance_of(node);
        if (balance < 0)
            fault_value(reader, node, "backend.balance", "least, round_robin or {hash: '{id}'}");
        else
            backend->options.balance = (enum weir_balance)balance;
        return;
    }
    if (!schema_read(reader, &hash_schema, node, &hash) || hash == NULL)
        return;
    if (node_is_text(reader, hash, "backend.balance.hash") && any_param(reader, hash, &backend->key))
        backend->options.balance = WEIR_BALANCE_HASH;
}

static void read_path(struct config_reader *reader, const struct tree_node *node, void *member)
{
    weir_text_fault fault = {0, "a path such as /healthz"};

    if (!node_is_text(reader, node, "backend.health.path"))
        return;
    if (node->text[0] != '/' || weir_url_check_target((weir_bytes){node->text, node->length}, &fault) < 0)
        fault_in_text(reader, node, "backend.health.path", &fault);
    else
        *(const char **)member = node->text;
}

#define AT(member) .offset = offsetof(weir_backend_health, member)
static const struct schema_key health_keys[] = {
    {"path", SCHEMA_CUSTOM, AT(path), .read = read_path, .required = "a path such as /healthz"},
    {"every", SCHEMA_DURATION, AT(every), .fallback = "5s", .min = SCHEMA_MS(10),
     .max = SCHEMA_MS(3600 * 1000)},
    {"timeout", SCHEMA_DURATION, AT(timeout), .min = SCHEMA_MS(1), .max = SCHEMA_MS(3600 * 1000)},
    {"failed", SCHEMA_INT, AT(failed), .fallback = "3", .min = 1, .max = 1000},
    {"good", SCHEMA_INT, AT(good), .fallback = "2", .min = 1, .max = 1000},
};
#undef AT
static const struct schema health_schema = {.name = "backend.health", SCHEMA_KEYS(health_keys)};

#define AT(member) .offset = offsetof(weir_backend_eject, member)
static const struct schema_key eject_keys[] = {
    {"after", SCHEMA_INT, AT(after), .fallback = "5", .min = 1, .max = 4095},
    {"for", SCHEMA_DURATION, AT(period), .fallback = "10s", .min = SCHEMA_MS(1),
     .max = SCHEMA_MS(300 * 1000)},
    {"at_most", SCHEMA_PERCENT, AT(at_most_percent), .fallback = "50%", .min = 1, .max = 100},
};
#undef AT
static const struct schema eject_schema = {.name = "backend.eject", SCHEMA_KEYS(eject_keys)};

#define AT(member) .offset = offsetof(weir_backend_breaker, member)
static const struct schema_key breaker_keys[] = {
    {"failed", SCHEMA_PERCENT, AT(failed_percent), .fallback = "50%", .min = 1, .max = 100},
    {"of", SCHEMA_INT, AT(of), .fallback = "20", .min = 1, .max = 65536},
    {"within", SCHEMA_DURATION, AT(within), .fallback = "10s", .min = SCHEMA_MS(100),
     .max = SCHEMA_MS(600 * 1000)},
    {"open", SCHEMA_DURATION, AT(open), .fallback = "5s", .min = SCHEMA_MS(1), .max = SCHEMA_MS(60 * 1000)},
};
#undef AT
static const struct schema breaker_schema = {.name = "backend.breaker", SCHEMA_KEYS(breaker_keys)};

#define AT(member) .offset = offsetof(weir_backend_auto_limit, member)
static const struct schema_key auto_keys[] = {
    {"min", SCHEMA_INT, AT(min), .fallback = "4", .min = 1, .max = LIMIT_MAX},
    {"max", SCHEMA_INT, AT(max), .fallback = "256", .min = 1, .max = LIMIT_MAX},
};
#undef AT
static const struct schema auto_schema = {.name = "backend.limit.auto", SCHEMA_KEYS(auto_keys)};

static const struct schema_key limit_keys[] = {
    {"auto", SCHEMA_CUSTOM, 0, .read = schema_keep_node, .required = "auto: {min: 4, max: 256}"},
};
static const struct schema limit_schema = {.name = "backend.limit", SCHEMA_KEYS(limit_keys)};

static void read_auto(struct config_reader *reader, const struct tree_node *node,
                      weir_backend_auto_limit *limit)
{
    const struct tree_node *min;

    if (!schema_read(reader, &auto_schema, node, limit) || limit->min <= limit->max)
        return;
    min = tree_find(node, "min");
    config_fault(reader->faults, (min != NULL ? min : tree_find(node, "max"))->place,
                 "backend.limit.auto has min %d and max %d, expected a min that is at most max", limit->min,
                 limit->max);
}

static void read_limit(struct config_reader *reader, const struct tree_node *node,
                       weir_backend_options *options)
{
    const struct tree_node *bounds = NULL;

    if (node->type == TREE_SCALAR && strcmp(node->text, "auto") == 0)
        schema_defaults(reader, &auto_schema, &options->auto_limit);
    else if (node->type == TREE_SCALAR && node->length > 0 &&
             strspn(node->text, "-0123456789") == node->length)
        value_read_int(reader, node, "backend.limit", (struct value_range){1, LIMIT_MAX}, &options->limit);
    else if (node->type != TREE_MAP)
        fault_value(reader, node, "backend.limit", "a whole number, auto, or {auto: {min: 4, max: 256}}");
    else if (schema_read(reader, &limit_schema, node, &bounds) && bounds != NULL)
        read_auto(reader, bounds, &options->auto_limit);
}

static bool is_false(const struct tree_node *node)
{
    return node->type == TREE_SCALAR && strcmp(node->text, "false") == 0;
}

/* A hedge is a second request at the same time. */
static void check_hedge(struct config_reader *reader, const struct draft *draft,
                        const weir_backend_options *options)
{
    const bool hedges = options->hedge.percentile > 0 || options->hedge.after.ns > 0;
    const bool one_connection = options->connections_max == 1;

    if (hedges && (one_connection || options->limit == 1))
        config_fault(reader->faults, draft->hedge->key_place,
                     "backend.hedge asks two instances at once, and %s is 1, expected at least 2",
                     one_connection ? "connections.max" : "limit");
}

static void read_parts(struct config_reader *reader, const struct draft *draft, weir_backend_options *options)
{
    if (draft->health != NULL && value_is_map_or_false(reader, draft->health, "backend.health"))
        (void)schema_read(reader, &health_schema, draft->health, &options->health);
    if (draft->eject != NULL && is_false(draft->eject))
        options->eject.after = -1;
    else if (draft->eject != NULL && value_is_map_or_false(reader, draft->eject, "backend.eject"))
        (void)schema_read(reader, &eject_schema, draft->eject, &options->eject);
    else
        schema_defaults(reader, &eject_schema, &options->eject);
    if (draft->breaker != NULL && value_is_map_or_false(reader, draft->breaker, "backend.breaker"))
        (void)schema_read(reader, &breaker_schema, draft->breaker, &options->breaker);
    if (draft->limit != NULL)
        read_limit(reader, draft->limit, options);
    if (draft->hedge != NULL)
        attempts_read_hedge(reader, draft->hedge, "backend.hedge", &options->hedge);
    if (draft->retry != NULL)
        attempts_read_retry(reader, draft->retry, "backend.retry", &options->retry);
    check_hedge(reader, draft, options);
}

/* --- the keys of a backend --- */

static void read_host(struct config_reader *reader, const struct tree_node *node, void *member)
{
    weir_text_fault fault;
    weir_url url;
    char *text;

    if (!node_is_text(reader, node, "backend.host"))
        return;
    text = config_take(reader->memory, node->length + sizeof "http://");
    if (text == NULL)
        return;
    memcpy(text, "http://", 7);
    memcpy(text + 7, node->text, node->length);
    if (weir_url_parse((weir_bytes){text, node->length + 7}, &url, &fault) < 0 ||
        url.authority.len != node->length)
        fault_value(reader, node, "backend.host", "HOST or HOST:PORT, as a request names it");
    else
        *(const char **)member = node->text;
}

#define AT(member) .offset = offsetof(struct draft, backend.options.member)
static const struct schema_key connections_keys[] = {
    {"max", SCHEMA_INT, offsetof(weir_backend_options, connections_max), .fallback = "256", .min = 1,
     .max = 1000000},
    {"queue", SCHEMA_INT, offsetof(weir_backend_options, waiting_max), .fallback = "1024", .min = 1,
     .max = 10000000},
    {"idle", SCHEMA_DURATION, offsetof(weir_backend_options, idle_timeout), .fallback = "15s",
     .min = SCHEMA_MS(1), .max = SCHEMA_MS(3600 * 1000)},
    {"timeout", SCHEMA_DURATION, offsetof(weir_backend_options, connect_timeout), .fallback = "5s",
     .min = SCHEMA_MS(1), .max = SCHEMA_MS(3600 * 1000)},
};
static const struct schema connections_schema = {.name = "backend.connections",
                                                 SCHEMA_KEYS(connections_keys)};

static const struct schema_key backend_keys[] = {
    {"urls", SCHEMA_CUSTOM, offsetof(struct draft, urls), .read = schema_keep_node,
     .required = "http://HOST[:PORT], https://HOST[:PORT], unix:PATH, or a list of them"},
    {"host", SCHEMA_CUSTOM, AT(host), .read = read_host},
    {"balance", SCHEMA_CUSTOM, offsetof(struct draft, balance), .read = schema_keep_node},
    {"connections", SCHEMA_MAP, offsetof(struct draft, backend.options), .map = &connections_schema},
    {"health", SCHEMA_CUSTOM, offsetof(struct draft, health), .read = schema_keep_node},
    {"eject", SCHEMA_CUSTOM, offsetof(struct draft, eject), .read = schema_keep_node},
    {"breaker", SCHEMA_CUSTOM, offsetof(struct draft, breaker), .read = schema_keep_node},
    {"limit", SCHEMA_CUSTOM, offsetof(struct draft, limit), .read = schema_keep_node},
    {"hedge", SCHEMA_CUSTOM, offsetof(struct draft, hedge), .read = schema_keep_node},
    {"retry", SCHEMA_CUSTOM, offsetof(struct draft, retry), .read = schema_keep_node},
    {"tls", SCHEMA_CUSTOM, offsetof(struct draft, tls), .read = schema_keep_node},
};
#undef AT
static const struct schema backend_schema = {.name = "backend", SCHEMA_KEYS(backend_keys)};

/* --- backends --- */

static void read_tls(struct config_reader *reader, const struct tree_node *node,
                     struct config_backend *backend)
{
    backend->tls = tls_client_read(reader, node);
    if (backend->options.url_count > 0 && !backend->https)
        config_fault(reader->faults, node->place,
                     "backend.tls is written, and no URL of '%s' begins with https://, expected both or none",
                     backend->options.name);
}

static bool name_is_valid(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const size_t length = strlen(name);

    return length > 0 && length <= NAME_BYTES_MAX && strspn(name, letters) == length;
}

static void read_one(struct config_reader *reader, const struct tree_node *node, struct config_backend *out)
{
    struct draft draft = {.backend = *out};

    if (!name_is_valid(node->key))
        config_fault(reader->faults, node->key_place,
                     "backend '%s' has no valid name, expected 1 to %d letters, digits, '_' and '-'",
                     node->key, NAME_BYTES_MAX);
    if (!schema_read(reader, &backend_schema, node, &draft))
        return;
    *out = draft.backend;
    if (draft.urls != NULL)
        read_urls(reader, draft.urls, out);
    if (draft.balance != NULL)
        read_balance(reader, draft.balance, out);
    if (draft.tls != NULL)
        read_tls(reader, draft.tls, out);
    read_parts(reader, &draft, &out->options);
    out->options.tells_deadline = config_backend_tries_twice(out);
}

void backends_read(struct config_reader *reader, const struct tree_node *node, struct config *config)
{
    struct config_backend *backends;

    if (!node_is_map(reader, node, "backends"))
        return;
    backends = entries_take(reader, node, "backends", CONFIG_BACKENDS_MAX, sizeof *backends);
    if (backends == NULL)
        return;
    config->backends = backends;
    for (const struct tree_node *child = node->first; child != NULL; child = child->next) {
        struct config_backend *backend = &backends[config->backend_count];

        backend->options.name = child->key;
        backend->place = child->key_place;
        backend->number = config->backend_count++;
        read_one(reader, child, backend);
    }
}

uint64_t config_backend_connections(const struct config *config)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < config->backend_count; i++) {
        const weir_backend_options *options = &config->backends[i].options;
        sum += (uint64_t)options->connections_max + (options->health.path != NULL ? options->url_count : 0);
    }
    return sum;
}

/* --- the backend of a route --- */

static struct config_backend *find(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->backend_count; i++)
        if (strcmp(config->backends[i].options.name, name) == 0)
            return (struct config_backend *)(uintptr_t)&config->backends[i]; /* still being read */
    return NULL;
}

static void fault_no_backend(struct config_reader *reader, const struct tree_node *node, const char *what)
{
    const char *names[CONFIG_BACKENDS_MAX + 1] = {NULL};

    for (size_t i = 0; i < reader->config->backend_count; i++)
        names[i] = reader->config->backends[i].options.name;
    if (names[0] != NULL)
        fault_unknown(reader, node->place, "backend", node->text, what, names);
    else
        config_fault(reader->faults, node->place,
                     "%s is '%s', and the file has no backends; expected one of that name in backends", what,
                     node->text);
}

static bool key_is_known(struct config_reader *reader, const struct tree_node *node,
                         const struct config_backend *backend, const struct config_route *route)
{
    for (size_t i = 0; i < backend->key.count; i++) {
        const struct template_part *part = &backend->key.parts[i];

        if (part->type != TEMPLATE_PARAM || route->path == NULL ||
            template_pattern_has(route->path, part->text))
            continue;
        config_fault(reader->faults, node->place,
                     "backend '%s' is balanced by '{%s}', expected a path that has it; '%s' has not",
                     backend->options.name, part->text, route->path);
        return false;
    }
    return true;
}

const struct config_backend *backend_read(struct config_reader *reader, const struct tree_node *node,
                                          const char *what, const struct config_route *route)
{
    struct config_backend *backend;

    if (!node_is_text(reader, node, what))
        return NULL;
    backend = find(reader->config, node->text);
    if (backend == NULL) {
        fault_no_backend(reader, node, what);
        return NULL;
    }
    backend->used = true;
    return key_is_known(reader, node, backend, route) ? backend : NULL;
}
