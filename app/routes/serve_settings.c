/* SPDX-License-Identifier: MIT */
#include "routes/serve_settings.h"

#include "config/schema.h"

enum { TUNNEL_HOURS = 1 };

struct draft {
    const struct tree_node *app, *strip;
    int host;
    bool repeatable;
};

#define AT(member) .offset = offsetof(struct draft, member)
static const struct schema_key keys[] = {
    {"app", SCHEMA_CUSTOM, AT(app), .read = schema_keep_node, .required = "the name of one in apps"},
    {"strip", SCHEMA_CUSTOM, AT(strip), .read = schema_keep_node},
    {"host", SCHEMA_CHOICE, AT(host), .fallback = "client", .choices = proxy_host_names},
    {"repeatable", SCHEMA_BOOL, AT(repeatable), .fallback = "false"},
};
#undef AT
static const struct schema schema = {.name = "serve", SCHEMA_KEYS(keys)};

static struct proxy_settings proxy_of(const struct config_app *app, const struct draft *draft)
{
    return (struct proxy_settings){
        .app = app->name,
        .origin = "http://localhost",
        .base = "",
        .timeout = app->timeout,
        .tunnel_timeout = weir_seconds(TUNNEL_HOURS * 3600),
        .host = draft->host,
        .buffer_bytes = app->buffer_bytes,
        .tries_twice = config_app_has_attempts(app),
        .repeatable = draft->repeatable,
    };
}

const void *serve_settings_read(struct config_reader *reader, const struct tree_node *node,
                                const struct config_route *route)
{
    struct serve_settings *settings = config_take(reader->memory, sizeof *settings);
    struct draft draft = {.app = node, .host = PROXY_HOST_CLIENT};
    const bool is_map = node->type == TREE_MAP;

    if (settings == NULL ||
        !node_is_text_or(reader, node, TREE_MAP, "serve", "the name of one in apps, or a mapping") ||
        (is_map && (draft.app = NULL, !schema_read(reader, &schema, node, &draft))))
        return NULL;
    settings->app = draft.app != NULL ? app_read(reader, draft.app, is_map ? "serve.app" : "serve") : NULL;
    if (settings->app == NULL)
        return NULL;
    settings->proxy = proxy_of(settings->app, &draft);
    if (draft.strip != NULL && route->path != NULL &&
        !proxy_strip_read(reader, draft.strip, "serve.strip", route->path, &settings->proxy))
        return NULL;
    return settings;
}
