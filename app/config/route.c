/* SPDX-License-Identifier: MIT */
#include "config/route.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <weir/http_text.h>

#include "config/auth.h"
#include "config/cors.h"
#include "config/header_rules.h"
#include "config/methods.h"
#include "config/pool.h"

enum { KINDS_MAX = SCHEMA_KEYS_MAX / 2 };

/* A route being read. Its kind is known only when all its keys are. */
struct draft {
    struct config_route route;
    const struct tree_node *path, *host, *methods, *on, *share, *limits, *headers, *cors, *auth;
    const struct tree_node *kind[KINDS_MAX];  /* by number in route_kinds.list */
    const struct tree_node *later[KINDS_MAX]; /* by number in route_kinds.later */
};

/* --- the keys --- */

/* The limits that apply before the route of a request is known. */
static void refuse_limit(struct config_reader *reader, const struct tree_node *node, void *member)
{
    (void)member;
    config_fault(
        reader->faults, node->key_place,
        "limits.%s cannot be set on a route, expected body or reply; set the others at the top of the file",
        node->key);
}

#define AT(member) .offset = offsetof(struct config_limits, member)
static const struct schema_key limits_keys[] = {
    {"body", SCHEMA_SIZE, AT(body_bytes), .min = 1},
    {"reply", SCHEMA_SIZE, AT(reply_bytes), .min = 1},
    {"replies", SCHEMA_CUSTOM, .read = refuse_limit},
    {"images", SCHEMA_CUSTOM, .read = refuse_limit},
    {"head", SCHEMA_CUSTOM, .read = refuse_limit},
    {"headers", SCHEMA_CUSTOM, .read = refuse_limit},
    {"head_timeout", SCHEMA_CUSTOM, .read = refuse_limit},
    {"idle_timeout", SCHEMA_CUSTOM, .read = refuse_limit},
    {"body_rate", SCHEMA_CUSTOM, .read = refuse_limit},
    {"connections", SCHEMA_CUSTOM, .read = refuse_limit},
    {"connections_per_client", SCHEMA_CUSTOM, .read = refuse_limit},
    {"exchanges", SCHEMA_CUSTOM, .read = refuse_limit},
};
#undef AT
static const struct schema limits_schema = {.name = "limits", SCHEMA_KEYS(limits_keys)};

#define AT(member) .offset = offsetof(struct draft, member)
static const struct schema_key common_keys[] = {
    {"path", SCHEMA_CUSTOM, AT(path), .read = schema_keep_node, .required = "a path such as /page/{id}"},
    {"host", SCHEMA_CUSTOM, AT(host), .read = schema_keep_node},
    {"scheme", SCHEMA_CHOICE, AT(route.scheme), .fallback = "any", .choices = config_scheme_names},
    {"methods", SCHEMA_CUSTOM, AT(methods), .read = schema_keep_node},
    {"on", SCHEMA_CUSTOM, AT(on), .read = schema_keep_node},
    {"share", SCHEMA_CUSTOM, AT(share), .read = schema_keep_node},
    {"limits", SCHEMA_CUSTOM, AT(limits), .read = schema_keep_node},
    {"headers", SCHEMA_CUSTOM, AT(headers), .read = schema_keep_node},
    {"cors", SCHEMA_CUSTOM, AT(cors), .read = schema_keep_node},
    {"auth", SCHEMA_CUSTOM, AT(auth), .read = schema_keep_node},
    {"slow", SCHEMA_DURATION, AT(route.slow), .min = SCHEMA_MS(1)},
    {"compress_response", SCHEMA_CUSTOM, AT(route.compress_response), .read = coding_read},
    {"rate", SCHEMA_CUSTOM, AT(route.rate), .read = rate_read},
};
#undef AT
enum { COMMON_KEYS = sizeof common_keys / sizeof *common_keys };

/* The keys of a route: those of every route, and a key for each kind. */
struct route_schema {
    const struct route_kinds *kinds;
    struct schema schema;
    struct schema_key keys[SCHEMA_KEYS_MAX];
};

static void add_key(struct route_schema *made, const char *name, size_t offset)
{
    assert(made->schema.count < SCHEMA_KEYS_MAX);
    made->keys[made->schema.count++] =
        (struct schema_key){.name = name, .type = SCHEMA_CUSTOM, .offset = offset, .read = schema_keep_node};
}

static void make_schema(struct route_schema *made, const struct route_kinds *kinds)
{
    memset(made, 0, sizeof *made);
    made->kinds = kinds;
    memcpy(made->keys, common_keys, sizeof common_keys);
    made->schema =
        (struct schema){.name = "the route", .bare = true, .keys = made->keys, .count = COMMON_KEYS};
    for (size_t i = 0; kinds->list[i] != NULL; i++) {
        assert(i < KINDS_MAX);
        add_key(made, kinds->list[i]->name, offsetof(struct draft, kind) + i * sizeof(struct tree_node *));
    }
    for (size_t i = 0; kinds->later[i] != NULL; i++) {
        assert(i < KINDS_MAX);
        add_key(made, kinds->later[i], offsetof(struct draft, later) + i * sizeof(struct tree_node *));
    }
}

/* --- one route --- */

static void read_path(struct config_reader *reader, const struct tree_node *node, struct config_route *route)
{
    weir_text_fault fault;

    if (!node_is_text(reader, node, "path"))
        return;
    if (weir_pattern_check((weir_bytes){node->text, node->length}, &fault) < 0)
        fault_in_text(reader, node, "path", &fault);
    else
        route->path = node->text;
}

static const char *lower_case(struct config_reader *reader, const char *text, size_t length)
{
    char *copy = config_take_text(reader->memory, text, length);

    for (size_t i = 0; copy != NULL && i < length; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] | 0x20);
    return copy;
}

static void read_host(struct config_reader *reader, const struct tree_node *node, struct config_route *route)
{
    weir_text_fault fault;

    if (!node_is_text(reader, node, "host"))
        return;
    if (weir_route_host_check((weir_bytes){node->text, node->length}, &fault) < 0)
        fault_in_text(reader, node, "host", &fault);
    else
        route->host = lower_case(reader, node->text, node->length - (node->text[node->length - 1] == '.'));
}

static void fault_no_kind(struct config_reader *reader, const struct route_kinds *kinds,
                          struct config_place place, const char *what)
{
    const char *names[KINDS_MAX + 1] = {0};
    char list[160];

    for (size_t i = 0; kinds->list[i] != NULL; i++)
        names[i] = kinds->list[i]->name;
    config_fault(reader->faults, place, "%s, expected one of %s", what,
                 text_one_of(list, sizeof list, names));
}

/* Finds the kind of a route. unknown: the route has a key that was not understood, and may have been its
 * kind.
 * Returns: the node of the kind's key, or NULL after a fault.
 */
static const struct tree_node *choose_kind(struct config_reader *reader, const struct route_kinds *kinds,
                                           struct draft *draft, const struct tree_node *node, bool unknown)
{
    const struct tree_node *chosen = NULL;
    bool faulty = unknown;

    for (size_t i = 0; kinds->later[i] != NULL; i++) {
        char what[64];
        if (draft->later[i] == NULL)
            continue;
        snprintf(what, sizeof what, "route kind '%s' is not in this build", kinds->later[i]);
        fault_no_kind(reader, kinds, draft->later[i]->key_place, what);
        faulty = true;
    }
    for (size_t i = 0; kinds->list[i] != NULL; i++) {
        if (draft->kind[i] == NULL)
            continue;
        if (chosen != NULL) {
            const struct tree_node *second = draft->kind[i];
            config_fault(reader->faults, second->key_place,
                         "the route has a second kind, '%s', expected one; the other is '%s'", second->key,
                         chosen->key);
            faulty = true;
            continue;
        }
        chosen = draft->kind[i];
        draft->route.kind = kinds->list[i];
    }
    if (chosen == NULL && !faulty)
        fault_no_kind(reader, kinds, node->place, "the route has no kind");
    return chosen;
}

/* With cors, OPTIONS is written for preflights, which no kind sees. */
static void check_methods(struct config_reader *reader, const struct draft *draft)
{
    const struct config_route *route = &draft->route;
    const unsigned preflights = draft->cors != NULL ? 1u << CONFIG_OPTIONS : 0;

    if (route->kind->answerable != NULL)
        methods_check(reader, draft->methods, route, route->kind->answerable(route->settings) | preflights);
}

static bool read_route(struct config_reader *reader, const struct route_schema *made,
                       const struct tree_node *node, const struct config *config, struct config_route *out)
{
    struct draft draft = {
        .route = {.place = node->place, .limits = config->limits, .headers = config->headers}};
    size_t before = faults_so_far(reader);
    const struct tree_node *kind;
    bool on_is_fine, unknown;

    if (!schema_read(reader, &made->schema, node, &draft))
        return false;
    unknown = faults_so_far(reader) > before;
    if (draft.path != NULL)
        read_path(reader, draft.path, &draft.route);
    if (draft.host != NULL)
        read_host(reader, draft.host, &draft.route);
    if (draft.headers != NULL && draft.route.path != NULL)
        header_rules_read(reader, draft.headers, draft.route.path, &config->headers, &draft.route.headers);
    if (draft.auth != NULL)
        draft.route.auth = auth_read(reader, draft.auth, &draft.route);
    if (draft.methods != NULL)
        methods_read(reader, draft.methods, &draft.route);
    on_is_fine = draft.on == NULL || pool_read_on(reader, draft.on, config, &draft.route);
    if (draft.limits != NULL && node_is_map(reader, draft.limits, "limits"))
        schema_override(reader, &limits_schema, draft.limits, &draft.route.limits);
    kind = choose_kind(reader, made->kinds, &draft, node, unknown);
    if (kind != NULL && draft.on == NULL)
        draft.route.on = draft.route.kind->on;
    if (kind != NULL && draft.methods == NULL)
        methods_set(reader, &draft.route, draft.route.kind->methods);
    if (draft.share != NULL && on_is_fine && draft.route.path != NULL)
        pool_read_share(reader, draft.share, config, &draft.route);
    if (kind != NULL)
        draft.route.settings = draft.route.kind->configure(reader, kind, &draft.route);
    if (kind != NULL && draft.methods == NULL && draft.route.settings != NULL &&
        draft.route.kind->methods_for != NULL)
        methods_set(reader, &draft.route, draft.route.kind->methods_for(draft.route.settings));
    if (kind != NULL && draft.methods != NULL && draft.route.settings != NULL)
        check_methods(reader, &draft);
    if (draft.cors != NULL)
        draft.route.cors = cors_read(reader, draft.cors, &draft.route);
    *out = draft.route;
    return draft.route.path != NULL;
}

/* --- all routes --- */

static weir_bytes host_of(const struct config_route *route)
{
    return route->host != NULL ? weir_bytes_of(route->host) : (weir_bytes){"", 0};
}

/* Reports whether earlier routes take every request of a scheme that a route would take. *first: the latest
 * of them. */
static bool is_taken(const struct config_route *routes, size_t n, enum config_scheme scheme,
                     const struct config_route **first)
{
    const struct config_route *route = &routes[n];
    unsigned left = methods_answered(route);

    for (size_t i = 0; i < n && left != 0; i++) {
        if ((routes[i].scheme != CONFIG_ANY_SCHEME && routes[i].scheme != (int)scheme) ||
            !weir_route_host_covers(host_of(&routes[i]), host_of(route)) ||
            !weir_pattern_covers(weir_bytes_of(routes[i].path), weir_bytes_of(route->path)))
            continue;
        left &= ~methods_answered(&routes[i]);
        *first = &routes[i];
    }
    return left == 0;
}

static void check_reachable(struct config_reader *reader, const struct config_route *routes, size_t n)
{
    const struct config_route *route = &routes[n], *first = NULL;

    if ((route->scheme != CONFIG_HTTPS && !is_taken(routes, n, CONFIG_HTTP, &first)) ||
        (route->scheme != CONFIG_HTTP && !is_taken(routes, n, CONFIG_HTTPS, &first)) || first == NULL)
        return;
    config_fault(reader->faults, route->place,
                 "route '%s' is never reached, expected a host, scheme, path or methods of its own; '%s' in "
                 "line %u comes first",
                 route->path, first->path, first->place.line);
}

/* A scheme that no listener has. */
static void check_scheme(struct config_reader *reader, const struct config *config,
                         const struct config_route *route)
{
    bool plain = false, tls = false;

    for (size_t i = 0; i < config->listen_count; i++) {
        tls = tls || config->listen[i].tls != NULL;
        plain = plain || config->listen[i].tls == NULL;
    }
    if ((route->scheme == CONFIG_HTTPS && !tls && plain) || (route->scheme == CONFIG_HTTP && !plain && tls))
        config_fault(
            reader->faults, route->place,
            "route '%s' is never reached, expected 'listen' to have an address %s tls: its scheme is "
            "'%s'",
            route->path, route->scheme == CONFIG_HTTPS ? "with" : "without",
            config_scheme_names[route->scheme]);
}

/* --- names --- */

enum differences { DIFFERENT_HOST = 1, DIFFERENT_SCHEME = 2 };

/* Returns: what tells a route from others with its path, enum differences. */
static unsigned differences_of(const struct config_route *routes, size_t count, size_t n)
{
    unsigned found = 0;

    for (size_t i = 0; i < count; i++) {
        if (i == n || strcmp(routes[i].path, routes[n].path) != 0)
            continue;
        if (!weir_bytes_equal_nocase(host_of(&routes[i]), host_of(&routes[n])))
            found |= DIFFERENT_HOST;
        else if (routes[i].scheme != routes[n].scheme)
            found |= DIFFERENT_SCHEME;
    }
    return found;
}

/* "/a", "shop.example.com/a", "http:/a", "http://shop.example.com/a" */
static void name_route(struct config_reader *reader, struct config_route *routes, size_t count, size_t n)
{
    struct config_route *route = &routes[n];
    const unsigned different = differences_of(routes, count, n);
    const bool has_scheme = (different & DIFFERENT_SCHEME) != 0 && route->scheme != CONFIG_ANY_SCHEME;
    const char *host = (different & DIFFERENT_HOST) != 0 && route->host != NULL ? route->host : "";
    const char *scheme = has_scheme ? config_scheme_names[route->scheme] : "";
    const char *between = !has_scheme ? "" : *host != '\0' ? "://" : ":";
    const size_t room = strlen(scheme) + strlen(between) + strlen(host) + strlen(route->path) + 1;
    char *name;

    route->name = route->path;
    if (!has_scheme && *host == '\0')
        return;
    name = config_take(reader->memory, room);
    if (name == NULL)
        return;
    (void)snprintf(name, room, "%s%s%s%s", scheme, between, host, route->path);
    route->name = name;
}

static void name_routes(struct config_reader *reader, const struct config *config,
                        struct config_route *routes, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        name_route(reader, routes, count, n);
        pool_name_share(config, &routes[n]);
    }
}

void routes_read(struct config_reader *reader, const struct tree_node *node, const struct route_kinds *kinds,
                 struct config *config)
{
    struct route_schema made;
    struct config_route *routes;

    if (!node_is_list(reader, node, "routes"))
        return;
    routes = entries_take(reader, node, "routes", CONFIG_ROUTES_MAX, sizeof *routes);
    if (routes == NULL)
        return;
    make_schema(&made, kinds);
    for (const struct tree_node *item = node->first; item != NULL; item = item->next) {
        if (!read_route(reader, &made, item, config, &routes[config->route_count]))
            continue;
        check_reachable(reader, routes, config->route_count);
        check_scheme(reader, config, &routes[config->route_count]);
        config->route_count++;
    }
    name_routes(reader, config, routes, config->route_count);
    config->routes = routes;
}
