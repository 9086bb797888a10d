/* SPDX-License-Identifier: MIT */
#include "config/cors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/http_text.h>
#include <weir/url.h>

#include "config/config.h"
#include "config/methods.h"
#include "config/schema.h"

enum { DAY_MS = 24 * 3600 * 1000, SECONDS_BYTES = 24 };

struct draft {
    const struct tree_node *origins, *methods, *headers, *expose;
    bool credentials;
    weir_duration max_age;
};

#define AT(member) .offset = offsetof(struct draft, member)
static const struct schema_key keys[] = {
    {"origins", SCHEMA_CUSTOM, AT(origins), .read = schema_keep_node,
     .required = "a list such as [\"https://shop.example.com\"], or \"*\""},
    {"methods", SCHEMA_CUSTOM, AT(methods), .read = schema_keep_node},
    {"headers", SCHEMA_CUSTOM, AT(headers), .read = schema_keep_node},
    {"expose", SCHEMA_CUSTOM, AT(expose), .read = schema_keep_node},
    {"credentials", SCHEMA_BOOL, AT(credentials), .fallback = "false"},
    {"max_age", SCHEMA_DURATION, AT(max_age), .fallback = "5s", .max = SCHEMA_MS(DAY_MS)},
};
#undef AT
static const struct schema schema = {.name = "cors", SCHEMA_KEYS(keys)};

static bool is_star(const struct tree_node *node)
{
    return node->type == TREE_SCALAR && strcmp(node->text, "*") == 0;
}

/* --- origins --- */

static bool is_of(char c, const char *others)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr(others, c) != NULL;
}

static bool consists_of(weir_bytes text, const char *others)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '\0' || !is_of(text.data[i], others))
            return false;
    return text.len > 0;
}

/* "shop.example.com", "[::1]", or of a wildcard ".example.com". */
static bool is_host(weir_bytes host, bool is_rest)
{
    if (host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']')
        return !is_rest && consists_of((weir_bytes){host.data + 1, host.len - 2}, ":.");
    if (is_rest && (host.len < 2 || host.data[0] != '.'))
        return false;
    return consists_of(host, "-._") && (is_rest || host.data[0] != '.') && host.data[host.len - 1] != '.' &&
           memmem(host.data, host.len, "..", 2) == NULL;
}

/* Takes ":PORT" off the end of host[:port]. Returns: the port; 0: there is none; -1: it is no port. */
static int take_port(weir_bytes *host)
{
    const char *colon = memrchr(host->data, ':', host->len), *end = host->data + host->len;
    const size_t digits = colon != NULL ? (size_t)(end - colon) - 1 : 0;
    int port = 0;

    if (colon == NULL || memchr(colon, ']', (size_t)(end - colon)) != NULL)
        return 0;
    for (size_t i = 1; i <= digits && digits <= 5; i++) {
        if (colon[i] < '0' || colon[i] > '9')
            return -1;
        port = port * 10 + colon[i] - '0';
    }
    host->len = (size_t)(colon - host->data);
    return digits >= 1 && digits <= 5 && port >= 1 && port <= 65535 ? port : -1;
}

static bool is_default(weir_bytes scheme, int port)
{
    return (port == 80 && weir_bytes_equal(scheme, weir_bytes_of("http"))) ||
           (port == 443 && weir_bytes_equal(scheme, weir_bytes_of("https")));
}

/* The pieces of SCHEME://[*]HOST[:PORT], in lower case. */
struct pieces {
    weir_bytes scheme, host;
    bool wild;
    int port;
};

/* Returns: what was expected instead; NULL: it is an origin. */
static const char *split(weir_bytes text, struct pieces *out)
{
    const char *colon = memmem(text.data, text.len, "://", 3);
    const char *expected = "an origin as browsers send it: https://HOST or https://HOST:PORT, or \"null\"";

    if (colon == NULL)
        return expected;
    out->scheme = (weir_bytes){text.data, (size_t)(colon - text.data)};
    out->host = (weir_bytes){colon + 3, text.len - out->scheme.len - 3};
    if (memchr(out->host.data, '/', out->host.len) != NULL ||
        memchr(out->host.data, '?', out->host.len) != NULL)
        return "an origin, which has no path: not even a '/' at its end";
    if (memchr(out->host.data, '@', out->host.len) != NULL)
        return "an origin, which has no user name";
    out->wild = out->host.len > 0 && out->host.data[0] == '*';
    out->host.data += out->wild;
    out->host.len -= out->wild;
    out->port = take_port(&out->host);
    if (out->port < 0)
        return "one port from 1 to 65535 behind the host";
    if (memchr(out->host.data, '*', out->host.len) != NULL || (out->wild && !is_host(out->host, true)))
        return "a '*' only in place of the first names of a host: https://*.example.com";
    return consists_of(out->scheme, "+-.") && is_host(out->host, out->wild) ? NULL : expected;
}

static char *in_lower_case(struct config_reader *reader, const struct tree_node *node)
{
    char *text = config_take_text(reader->memory, node->text, node->length);

    for (char *c = text; c != NULL && *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c | 0x20);
    return text;
}

static const char *join(struct config_reader *reader, weir_bytes scheme, weir_bytes host, int port)
{
    const size_t room = scheme.len + host.len + sizeof "://:65535";
    char *text = config_take(reader->memory, room);
    int used;

    if (text == NULL)
        return NULL;
    used = snprintf(text, room, "%.*s%s%.*s", (int)scheme.len, scheme.data, scheme.len > 0 ? "://" : "",
                    (int)host.len, host.data);
    if (port > 0)
        (void)snprintf(text + used, room - (size_t)used, ":%d", port);
    return text;
}

/* Returns: false after a fault, or without memory. */
static bool read_origin(struct config_reader *reader, const struct tree_node *node, struct config_origin *out)
{
    static const weir_bytes none = {"", 0};
    struct pieces pieces = {0};
    const char *text, *expected;

    if (!node_is_text(reader, node, "cors.origins"))
        return false;
    text = in_lower_case(reader, node);
    if (text == NULL)
        return false;
    *out = (struct config_origin){.before = text};
    if (strcmp(text, "null") == 0)
        return true;
    expected = is_star(node) ? "\"*\" alone in place of the list" : split(weir_bytes_of(text), &pieces);
    if (expected != NULL) {
        fault_value(reader, node, "cors.origins", expected);
        return false;
    }
    if (is_default(pieces.scheme, pieces.port))
        pieces.port = 0;
    if (pieces.wild)
        *out = (struct config_origin){join(reader, pieces.scheme, none, 0),
                                      join(reader, none, pieces.host, pieces.port)};
    else
        *out = (struct config_origin){.before = join(reader, pieces.scheme, pieces.host, pieces.port)};
    return out->before != NULL && (!pieces.wild || out->after != NULL);
}

static bool is_same(const struct config_origin *a, const struct config_origin *b)
{
    return strcmp(a->before, b->before) == 0 && (a->after == NULL) == (b->after == NULL) &&
           (a->after == NULL || strcmp(a->after, b->after) == 0);
}

static void read_origins(struct config_reader *reader, const struct tree_node *node, struct config_cors *cors)
{
    const struct tree_node **nodes; /* of the origins, each as it is written */
    struct config_origin *list;

    cors->any = is_star(node);
    if (cors->any)
        return;
    if (node->type != TREE_LIST) {
        fault_value(reader, node, "cors.origins", "a list such as [\"https://shop.example.com\"], or \"*\"");
        return;
    }
    if (node->count == 0)
        config_fault(reader->faults, node->place,
                     "cors.origins is an empty list, expected an origin or \"*\"");
    list = entries_take(reader, node, "cors.origins", CONFIG_CORS_ORIGINS_MAX, sizeof *list);
    nodes = list != NULL ? config_take(reader->memory, (node->count + 1) * sizeof *nodes) : NULL;
    cors->origins = list;
    for (const struct tree_node *item = node->first; nodes != NULL && item != NULL; item = item->next) {
        struct config_origin *origin = &list[cors->origin_count];
        size_t i = 0;

        if (!read_origin(reader, item, origin))
            continue;
        while (i < cors->origin_count && !is_same(&list[i], origin))
            i++;
        if (i < cors->origin_count)
            config_fault(reader->faults, item->place,
                         "cors.origins has '%s', the same origin as '%s' in line %u, expected each once",
                         item->text, nodes[i]->text, nodes[i]->place.line);
        else
            nodes[cors->origin_count++] = item;
    }
}

/* --- methods and headers --- */

static const char *comma_separated(struct config_reader *reader, const char *words)
{
    char *out = config_take(reader->memory, 2 * strlen(words) + 1), *at = out;

    for (; out != NULL && *words != '\0'; words++) {
        if (*words == ' ')
            *at++ = ',';
        *at++ = *words;
    }
    return out;
}

static void read_methods(struct config_reader *reader, const struct tree_node *node,
                         const struct config_route *route, struct config_cors *cors)
{
    struct config_route named = {0};
    const unsigned answered = methods_answered(route);

    if (node != NULL)
        methods_read(reader, node, &named);
    else
        methods_set(reader, &named, answered & ((1u << CONFIG_METHODS) - 1));
    for (int i = 0; i < CONFIG_METHODS; i++)
        if (named.method_mask & ~answered & 1u << i)
            config_fault(reader->faults, node->place,
                         "cors.methods names %s, which the route does not take, expected some of its methods",
                         config_method_names[i]);
    if (named.methods != NULL)
        cors->methods = comma_separated(reader, named.methods);
}

/* Reads a list of names, or "*", which means nothing beside credentials. */
static const char *read_names(struct config_reader *reader, const struct tree_node *node, const char *what,
                              bool credentials)
{
    size_t room = 1, used = 0;
    char *out;

    if (is_star(node) && credentials) {
        fault_value(reader, node, what, "a list of names: with credentials browsers take \"*\" for a name");
        return NULL;
    }
    if (is_star(node))
        return node->text;
    if (node->type != TREE_LIST) {
        fault_value(reader, node, what, "a list, [a, b], or \"*\"");
        return NULL;
    }
    if (node->count > CONFIG_CORS_NAMES_MAX)
        config_fault(reader->faults, node->place, "%s has %zu entries, expected at most %d", what,
                     node->count, CONFIG_CORS_NAMES_MAX);
    for (const struct tree_node *item = node->first; item != NULL; item = item->next)
        room += item->length + 2;
    out = config_take(reader->memory, room);
    for (const struct tree_node *item = node->first; out != NULL && item != NULL; item = item->next) {
        if (!node_is_text(reader, item, what))
            continue;
        if (!weir_token_is_valid((weir_bytes){item->text, item->length}) || is_star(item))
            fault_value(reader, item, what, "the name of a header");
        used += (size_t)snprintf(out + used, room - used, "%s%s", used > 0 ? ", " : "", item->text);
    }
    return used > 0 ? out : NULL;
}

/* --- the whole --- */

static const char *seconds_of(struct config_reader *reader, weir_duration duration)
{
    char text[SECONDS_BYTES];
    const int length = snprintf(text, sizeof text, "%lld", (long long)(duration.ns / 1000000000));

    return config_take_text(reader->memory, text, (size_t)length);
}

const struct config_cors *cors_read(struct config_reader *reader, const struct tree_node *node,
                                    const struct config_route *route)
{
    struct config_cors *cors = config_take(reader->memory, sizeof *cors);
    struct draft draft = {0};

    if (cors == NULL || !schema_read(reader, &schema, node, &draft))
        return NULL;
    cors->credentials = draft.credentials;
    cors->max_age = seconds_of(reader, draft.max_age);
    if (draft.origins != NULL)
        read_origins(reader, draft.origins, cors);
    if (cors->any && cors->credentials)
        config_fault(reader->faults, draft.origins->place,
                     "cors.origins is '*' with credentials, expected a list of origins: any page could act "
                     "as the user who looks at it");
    read_methods(reader, draft.methods, route, cors);
    if (draft.headers != NULL)
        cors->headers = read_names(reader, draft.headers, "cors.headers", cors->credentials);
    if (draft.expose != NULL)
        cors->expose = read_names(reader, draft.expose, "cors.expose", cors->credentials);
    return cors;
}
