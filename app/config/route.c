/* SPDX-License-Identifier: MIT */
#include "config/route.h"

#include <stdio.h>
#include <string.h>

#include "config/path.h"
#include "config/pool.h"
#include "config/route_kind.h"

enum { KINDS_MAX = SCHEMA_KEYS_MAX / 2 };

const char *const config_method_names[CONFIG_METHODS + 1] = {
    [CONFIG_GET] = "GET",       [CONFIG_HEAD] = "HEAD",   [CONFIG_POST] = "POST",       [CONFIG_PUT] = "PUT",
    [CONFIG_DELETE] = "DELETE", [CONFIG_PATCH] = "PATCH", [CONFIG_OPTIONS] = "OPTIONS",
};

/* A route being read: what its kind is shows only once all its keys are known. */
struct draft {
    struct config_route route;
    const struct tree_node *path, *methods, *on, *share, *limits;
    const struct tree_node *kind[KINDS_MAX];  /* as route_kinds */
    const struct tree_node *later[KINDS_MAX]; /* as route_kinds_later */
};

/* --- the keys --- */

/* These are applied before it is known which route a request is for. */
static void refuse_limit(struct config_reader *reader, const struct tree_node *node, void *member)
{
    (void)member;
    config_fault(
        reader->faults, node->key_place,
        "limits.%s can't be set on a route, expected body or reply; the others stand at the top of the file",
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
    {"methods", SCHEMA_CUSTOM, AT(methods), .read = schema_keep_node},
    {"on", SCHEMA_CUSTOM, AT(on), .read = schema_keep_node},
    {"share", SCHEMA_CUSTOM, AT(share), .read = schema_keep_node},
    {"limits", SCHEMA_CUSTOM, AT(limits), .read = schema_keep_node},
    {"compress_response", SCHEMA_CUSTOM, AT(route.compress_response), .read = coding_read},
};
#undef AT
enum { COMMON_KEYS = sizeof common_keys / sizeof *common_keys };

/* The keys of a route: those of every route, and one per kind. */
struct route_schema {
    struct schema schema;
    struct schema_key keys[SCHEMA_KEYS_MAX];
};

static void add_key(struct route_schema *made, const char *name, size_t offset)
{
    made->keys[made->schema.count++] =
        (struct schema_key){.name = name, .type = SCHEMA_CUSTOM, .offset = offset, .read = schema_keep_node};
}

static void make_schema(struct route_schema *made)
{
    memset(made, 0, sizeof *made);
    memcpy(made->keys, common_keys, sizeof common_keys);
    made->schema =
        (struct schema){.name = "the route", .bare = true, .keys = made->keys, .count = COMMON_KEYS};
    for (size_t i = 0; route_kinds[i] != NULL; i++)
        add_key(made, route_kinds[i]->name, offsetof(struct draft, kind) + i * sizeof(struct tree_node *));
    for (size_t i = 0; route_kinds_later[i] != NULL; i++)
        add_key(made, route_kinds_later[i], offsetof(struct draft, later) + i * sizeof(struct tree_node *));
}

/* --- one route --- */

static void read_path(struct config_reader *reader, const struct tree_node *node, struct config_route *route)
{
    const char *fault;

    if (!node_is_text(reader, node, "path"))
        return;
    fault = path_fault(node->text);
    if (fault != NULL)
        fault_value(reader, node, "path", fault);
    else
        route->path = node->text;
}

/* Returns: the index in config_method_names, or -1 after a fault. */
static int read_method(struct config_reader *reader, const struct tree_node *node)
{
    if (!node_is_text(reader, node, "methods"))
        return -1;
    for (int i = 0; i < CONFIG_METHODS; i++)
        if (strcmp(config_method_names[i], node->text) == 0)
            return i;
    fault_unknown(reader, node->place, "method", node->text, "methods", config_method_names);
    return -1;
}

static const char *join_methods(struct config_reader *reader, unsigned mask)
{
    char text[64] = "";
    size_t used = 0;

    for (int i = 0; i < CONFIG_METHODS; i++)
        if (mask & 1u << i)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? " " : "",
                                     config_method_names[i]);
    return config_take_text(reader->memory, text, used);
}

static void read_methods(struct config_reader *reader, const struct tree_node *node,
                         struct config_route *route)
{
    bool one = node->type == TREE_SCALAR;

    if (!one && !node_is_list(reader, node, "methods"))
        return;
    if (!one && node->count == 0) {
        config_fault(reader->faults, node->place, "methods is an empty list, expected at least one method");
        return;
    }
    for (const struct tree_node *item = one ? node : node->first; item != NULL;
         item = one ? NULL : item->next) {
        int method = read_method(reader, item);
        if (method < 0)
            continue;
        if (route->method_mask & 1u << method) {
            config_fault(reader->faults, item->place, "methods has '%s' twice, expected each method once",
                         item->text);
            continue;
        }
        route->method_mask |= 1u << method;
    }
    route->methods = join_methods(reader, route->method_mask);
}

/* 0: every method. */
static void set_methods(struct config_reader *reader, struct config_route *route, unsigned mask)
{
    route->method_mask = mask;
    route->methods = mask ? join_methods(reader, mask) : NULL;
}

static void fault_no_kind(struct config_reader *reader, struct config_place place, const char *what)
{
    const char *names[KINDS_MAX + 1] = {0};
    char list[160];

    for (size_t i = 0; route_kinds[i] != NULL && i < KINDS_MAX; i++)
        names[i] = route_kinds[i]->name;
    config_fault(reader->faults, place, "%s, expected one of %s", what,
                 text_one_of(list, sizeof list, names));
}

/* Finds the one kind of a route.
 * Returns: its node, or NULL after a fault; unknown says that a key was not understood, which may have been
 * it.
 */
static const struct tree_node *choose_kind(struct config_reader *reader, struct draft *draft,
                                           const struct tree_node *node, bool unknown)
{
    const struct tree_node *chosen = NULL;
    bool faulty = unknown;

    for (size_t i = 0; route_kinds_later[i] != NULL; i++) {
        char what[64];
        if (draft->later[i] == NULL)
            continue;
        snprintf(what, sizeof what, "route kind '%s' is not in this build", route_kinds_later[i]);
        fault_no_kind(reader, draft->later[i]->key_place, what);
        faulty = true;
    }
    for (size_t i = 0; route_kinds[i] != NULL; i++) {
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
        draft->route.kind = route_kinds[i];
    }
    if (chosen == NULL && !faulty)
        fault_no_kind(reader, node->place, "the route does nothing");
    return chosen;
}

static bool read_route(struct config_reader *reader, const struct schema *schema,
                       const struct tree_node *node, const struct config *config, struct config_route *out)
{
    struct draft draft = {.route = {.place = node->place, .limits = config->limits}};
    size_t before = reader->faults->count + reader->faults->dropped;
    const struct tree_node *kind;
    bool on_is_fine, unknown;

    if (!schema_read(reader, schema, node, &draft))
        return false;
    unknown = reader->faults->count + reader->faults->dropped > before;
    if (draft.path != NULL)
        read_path(reader, draft.path, &draft.route);
    if (draft.methods != NULL)
        read_methods(reader, draft.methods, &draft.route);
    on_is_fine = draft.on == NULL || pool_read_on(reader, draft.on, config, &draft.route);
    if (draft.limits != NULL && node_is_map(reader, draft.limits, "limits"))
        schema_override(reader, &limits_schema, draft.limits, &draft.route.limits);
    kind = choose_kind(reader, &draft, node, unknown);
    if (kind != NULL && draft.on == NULL)
        draft.route.on = draft.route.kind->on;
    if (kind != NULL && draft.methods == NULL)
        set_methods(reader, &draft.route, draft.route.kind->methods);
    if (draft.share != NULL && on_is_fine && draft.route.path != NULL)
        pool_read_share(reader, draft.share, config, &draft.route);
    if (kind != NULL)
        draft.route.settings = draft.route.kind->configure(reader, kind, &draft.route);
    if (kind != NULL && draft.methods == NULL && draft.route.settings != NULL &&
        draft.route.kind->methods_for != NULL)
        set_methods(reader, &draft.route, draft.route.kind->methods_for(draft.route.settings));
    *out = draft.route;
    return draft.route.path != NULL;
}

/* --- all routes --- */

/* Every method is more than all the methods that have a name here: it has one bit on top. GET answers HEAD.
 */
static unsigned methods_of(const struct config_route *route)
{
    unsigned mask = route->method_mask ? route->method_mask : (1u << (CONFIG_METHODS + 1)) - 1;

    return mask & 1u << CONFIG_GET ? mask | 1u << CONFIG_HEAD : mask;
}

static void check_reachable(struct config_reader *reader, const struct config_route *routes, size_t n)
{
    const struct config_route *route = &routes[n];
    unsigned left = methods_of(route);

    for (size_t i = 0; i < n; i++) {
        if (!path_covers(routes[i].path, route->path))
            continue;
        left &= ~methods_of(&routes[i]);
        if (left)
            continue;
        config_fault(
            reader->faults, route->place,
            "route '%s' is never reached, expected a path or methods of its own; '%s' in line %u comes first",
            route->path, routes[i].path, routes[i].place.line);
        return;
    }
}

void routes_read(struct config_reader *reader, const struct tree_node *node, struct config *config)
{
    struct route_schema made;
    struct config_route *routes;

    if (!node_is_list(reader, node, "routes"))
        return;
    if (node->count > CONFIG_ROUTES_MAX) {
        config_fault(reader->faults, node->place, "routes has %zu entries, expected at most %d", node->count,
                     CONFIG_ROUTES_MAX);
        return;
    }
    routes = config_take(reader->memory, (node->count + 1) * sizeof *routes);
    if (routes == NULL)
        return;
    make_schema(&made);
    for (const struct tree_node *item = node->first; item != NULL; item = item->next) {
        if (!read_route(reader, &made.schema, item, config, &routes[config->route_count]))
            continue;
        check_reachable(reader, routes, config->route_count);
        config->route_count++;
    }
    config->routes = routes;
}
