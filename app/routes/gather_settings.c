/* SPDX-License-Identifier: MIT */
#include "routes/gather_settings.h"

#include <string.h>
#include <strings.h>

#include <weir/text.h>

#include "config/schema.h"

enum { NAME_MAX_BYTES = 64, FORWARD_MAX = 64 };

static const char *const require_names[] = {"all", "any", "none", NULL};

/* The settings being read. The calls are checked against the rest, and so come last. */
struct draft {
    struct gather_settings settings;
    const struct tree_node *calls;
};

struct call_draft {
    struct gather_call call;
    const struct tree_node *url, *backend, *path;
};

static void read_headers(struct config_reader *reader, const struct tree_node *node, void *member)
{
    headers_read(reader, node, "calls.headers", member);
}

static void read_name(struct config_reader *reader, const struct tree_node *node, void *member)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    bool valid = node->type == TREE_SCALAR && node->length > 0 && node->length <= NAME_MAX_BYTES &&
                 strspn(node->text, allowed) == node->length;

    if (valid)
        *(const char **)member = node->text;
    else
        fault_value(reader, node, "calls.name", "1 to 64 letters, digits, '_', '-' or '.'");
}

static bool is_in(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

static void read_forward(struct config_reader *reader, const struct tree_node *node, void *member)
{
    struct gather_settings *settings = member;
    const char **names;

    if (!node_is_list(reader, node, "gather.forward"))
        return;
    names = entries_take(reader, node, "gather.forward", FORWARD_MAX, sizeof *names);
    if (names == NULL)
        return;
    settings->forward = names;
    for (const struct tree_node *item = node->first; item != NULL; item = item->next) {
        if (!node_is_text(reader, item, "gather.forward") ||
            !header_name_check(reader, item->place, "gather.forward", item->text))
            continue;
        if (is_in(names, settings->forward_count, item->text))
            config_fault(reader->faults, item->place,
                         "gather.forward has '%s' twice, expected each header once", item->text);
        else
            names[settings->forward_count++] = item->text;
    }
}

#define AT(member) .offset = offsetof(struct draft, member)
static const struct schema_key gather_keys[] = {
    {"deadline", SCHEMA_DURATION, AT(settings.deadline), .fallback = "1s", .min = SCHEMA_MS(1)},
    {"require", SCHEMA_CHOICE, AT(settings.require), .fallback = "any", .choices = require_names},
    {"forward", SCHEMA_CUSTOM, AT(settings), .read = read_forward},
    {"detail", SCHEMA_BOOL, AT(settings.detail), .fallback = "false"},
    {"calls", SCHEMA_CUSTOM, AT(calls), .read = schema_keep_node, .required = "a list of {name: …, url: …}"},
};
#undef AT
static const struct schema gather_schema = {.name = "gather", SCHEMA_KEYS(gather_keys)};

#define AT(member) .offset = offsetof(struct call_draft, member)
static const struct schema_key call_keys[] = {
    {"name", SCHEMA_CUSTOM, AT(call.name), .read = read_name,
     .required = "a name for its part of the answer"},
    {"url", SCHEMA_CUSTOM, AT(url), .read = schema_keep_node},
    {"backend", SCHEMA_CUSTOM, AT(backend), .read = schema_keep_node},
    {"path", SCHEMA_CUSTOM, AT(path), .read = schema_keep_node},
    {"method", SCHEMA_CHOICE, AT(call.method), .fallback = "GET", .choices = config_method_names},
    {"deadline", SCHEMA_DURATION, AT(call.deadline), .min = SCHEMA_MS(1)},
    {"headers", SCHEMA_CUSTOM, AT(call.headers), .read = read_headers},
    {"repeatable", SCHEMA_BOOL, AT(call.repeatable), .fallback = "false"},
};
#undef AT
static const struct schema call_schema = {.name = "calls", SCHEMA_KEYS(call_keys)};

/* Reports whether a call has a key that was meant as one of its target, and has a fault already. */
static bool misspells(const struct tree_node *node)
{
    static const char *const names[] = {"url", "backend", "path"};

    for (const struct tree_node *child = node->first; child != NULL; child = child->next) {
        bool known = false;
        for (size_t i = 0; i < call_schema.count; i++)
            known = known || strcmp(call_schema.keys[i].name, child->key) == 0;
        if (!known && weir_text_nearest(child->key, names, 3) != NULL)
            return true;
    }
    return false;
}

bool gather_call_sets(const struct gather_call *call, const char *name)
{
    for (size_t i = 0; i < call->headers.count; i++)
        if (strcasecmp(call->headers.header[i].name, name) == 0)
            return true;
    return false;
}

/* Adds a fault where a call contradicts the rest of the gather. */
static void check_call(struct config_reader *reader, const struct tree_node *node,
                       const struct gather_settings *settings, const struct gather_call *call)
{
    if (call->deadline.ns > settings->deadline.ns) {
        char whole[WEIR_DURATION_TEXT_MAX];
        const struct tree_node *deadline = tree_find(node, "deadline");
        config_fault(reader->faults, deadline->place,
                     "calls.deadline is '%s', expected at most the %s of the whole", deadline->text,
                     weir_duration_format(whole, sizeof whole, settings->deadline));
    }
    for (size_t i = 0; call->name != NULL && i < settings->call_count; i++) {
        const char *other = settings->calls[i].name;
        if (other != NULL && strcmp(other, call->name) == 0)
            config_fault(reader->faults, tree_find(node, "name")->place,
                         "calls.name is '%s' a second time, expected a name of its own", call->name);
    }
}

/* Adds a fault where a call is to be repeatable and has no backend: it has no second attempts. */
static void check_repeatable(struct config_reader *reader, const struct tree_node *node,
                             const struct call_draft *draft)
{
    if (draft->call.repeatable && draft->url != NULL)
        config_fault(reader->faults, tree_find(node, "repeatable")->key_place,
                     "calls.repeatable stands beside 'url', expected 'backend' and 'path': only requests to "
                     "one of backends have second attempts");
}

/* Adds a fault unless a call has a URL, or a backend with a path. */
static void check_target_keys(struct config_reader *reader, const struct tree_node *node,
                              const struct call_draft *draft)
{
    const struct tree_node *partner = draft->backend != NULL ? draft->backend : draft->path;

    if (draft->url != NULL && partner != NULL)
        config_fault(reader->faults, partner->key_place,
                     "calls.%s stands beside 'url', expected either 'url' or 'backend' and 'path'",
                     partner->key);
    else if (draft->url == NULL && partner == NULL && !misspells(node))
        config_fault(reader->faults, node->place,
                     "calls has no 'url', expected http://HOST[:PORT]/PATH, or 'backend' and 'path'");
    else if (draft->url == NULL && draft->path == NULL && draft->backend != NULL)
        config_fault(reader->faults, node->place,
                     "calls has no 'path', expected the path of the request, /for/{id}");
    else if (draft->url == NULL && draft->backend == NULL && draft->path != NULL)
        config_fault(reader->faults, node->place,
                     "calls has no 'backend', expected the name of one of backends");
}

static void read_call(struct config_reader *reader, const struct tree_node *node,
                      const struct config_route *route, struct gather_settings *settings,
                      struct gather_call *out)
{
    struct call_draft draft = {0};

    if (!schema_read(reader, &call_schema, node, &draft))
        return;
    check_target_keys(reader, node, &draft);
    check_repeatable(reader, node, &draft);
    if (draft.url != NULL)
        url_read(reader, draft.url, "calls.url", route->path, &draft.call.url);
    else if (draft.path != NULL)
        url_read_target(reader, draft.path, "calls.path", route->path, &draft.call.url);
    if (draft.backend != NULL)
        draft.call.backend = backend_read(reader, draft.backend, "calls.backend", route);
    if (draft.call.method != CONFIG_GET)
        draft.call.method_text = config_method_names[draft.call.method];
    draft.call.sets_coding = gather_call_sets(&draft.call, "accept-encoding");
    check_call(reader, node, settings, &draft.call);
    *out = draft.call;
    settings->call_count++;
}

static void read_calls(struct config_reader *reader, const struct tree_node *node,
                       const struct config_route *route, struct gather_settings *settings)
{
    struct gather_call *calls;

    if (!node_is_list(reader, node, "gather.calls"))
        return;
    if (node->count == 0 || node->count > GATHER_CALLS_MAX) {
        config_fault(reader->faults, node->place, "gather.calls has %zu entries, expected 1 to %d",
                     node->count, GATHER_CALLS_MAX);
        return;
    }
    calls = config_take(reader->memory, node->count * sizeof *calls);
    if (calls == NULL)
        return;
    settings->calls = calls;
    for (const struct tree_node *item = node->first; item != NULL; item = item->next)
        read_call(reader, item, route, settings, &calls[settings->call_count]);
}

const void *gather_settings_read(struct config_reader *reader, const struct tree_node *node,
                                 const struct config_route *route)
{
    struct draft draft = {0};
    struct gather_settings *settings;

    if (!schema_read(reader, &gather_schema, node, &draft))
        return NULL;
    if (draft.calls != NULL)
        read_calls(reader, draft.calls, route, &draft.settings);
    settings = config_take(reader->memory, sizeof *settings);
    if (settings != NULL)
        *settings = draft.settings;
    return settings;
}
