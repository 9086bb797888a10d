/* SPDX-License-Identifier: MIT */
#include "routes/proxy_settings.h"

#include <errno.h>
#include <string.h>

#include <weir/stream.h>
#include <weir/url.h>

#include "config/schema.h"
#include "config/value.h"

enum { BUFFER_BYTES_MAX = 64 << 20 };

const char *const proxy_host_names[] = {"backend", "client", NULL};

struct draft {
    struct proxy_settings settings;
    const struct tree_node *to, *backend, *strip, *repeatable;
};

#define AT(member) .offset = offsetof(struct draft, member)
static const struct schema_key keys[] = {
    {"to", SCHEMA_CUSTOM, AT(to), .read = schema_keep_node},
    {"backend", SCHEMA_CUSTOM, AT(backend), .read = schema_keep_node},
    {"strip", SCHEMA_CUSTOM, AT(strip), .read = schema_keep_node},
    {"timeout", SCHEMA_DURATION, AT(settings.timeout), .fallback = "30s", .min = SCHEMA_MS(1)},
    {"tunnel_timeout", SCHEMA_DURATION, AT(settings.tunnel_timeout), .fallback = "1h", .min = SCHEMA_MS(1)},
    {"host", SCHEMA_CHOICE, AT(settings.host), .fallback = "backend", .choices = proxy_host_names},
    {"buffer", SCHEMA_SIZE, AT(settings.buffer_bytes), .fallback = "0B", .max = BUFFER_BYTES_MAX},
    {"repeatable", SCHEMA_CUSTOM, AT(repeatable), .read = schema_keep_node},
};
#undef AT
static const struct schema schema = {.name = "proxy", SCHEMA_KEYS(keys)};

/* --- to --- */

static bool read_unix(struct config_reader *reader, const struct tree_node *node,
                      struct proxy_settings *settings)
{
    static const weir_text_fault fault = {strlen("unix:"), "the path of a Unix socket behind 'unix:'"};

    if (node->length == strlen("unix:") || node->length >= WEIR_ADDRESS_BYTES - 16) {
        fault_in_text(reader, node, "proxy.to", &fault);
        return false;
    }
    settings->address = node->text;
    settings->origin = "http://localhost";
    settings->base = "";
    return true;
}

static bool read_url(struct config_reader *reader, const struct tree_node *node,
                     struct proxy_settings *settings)
{
    weir_text_fault fault;
    weir_url url;
    size_t length;

    if (weir_url_parse((weir_bytes){node->text, node->length}, &url, &fault) < 0) {
        if (fault.at == 0)
            fault.expected = "http:// or https://HOST[:PORT], perhaps with a path, or unix:PATH";
        fault_in_text(reader, node, "proxy.to", &fault);
        return false;
    }
    if (url.query.data != NULL) {
        fault = (weir_text_fault){(size_t)(url.query.data - node->text) - 1,
                                  "no query, since that of the request is passed on"};
        fault_in_text(reader, node, "proxy.to", &fault);
        return false;
    }
    length = url.origin.len < node->length ? url.path.len : 0;
    while (length > 0 && url.path.data[length - 1] == '/')
        length--;
    settings->origin = config_take_text(reader->memory, url.origin.data, url.origin.len);
    settings->base = config_take_text(reader->memory, url.path.data, length);
    return settings->origin != NULL && settings->base != NULL;
}

static bool read_to(struct config_reader *reader, const struct tree_node *node,
                    struct proxy_settings *settings)
{
    if (!node_is_text(reader, node, "proxy.to"))
        return false;
    settings->place = node->place;
    return strncmp(node->text, "unix:", strlen("unix:")) == 0 ? read_unix(reader, node, settings)
                                                              : read_url(reader, node, settings);
}

static bool read_backend(struct config_reader *reader, const struct tree_node *node,
                         const struct config_route *route, struct proxy_settings *settings)
{
    settings->place = node->place;
    settings->origin = "/";
    settings->base = "";
    settings->backend = backend_read(reader, node, "proxy.backend", route);
    settings->tries_twice = settings->backend != NULL && config_backend_tries_twice(settings->backend);
    return settings->backend != NULL;
}

/* Reads where requests go: exactly one of two keys. */
static bool read_destination(struct config_reader *reader, const struct tree_node *node,
                             const struct config_route *route, struct draft *draft)
{
    if (draft->to != NULL && draft->backend != NULL)
        config_fault(reader->faults, draft->backend->key_place,
                     "proxy.backend stands beside 'to', expected one of the two");
    else if (draft->to != NULL)
        return read_to(reader, draft->to, &draft->settings);
    else if (draft->backend != NULL)
        return read_backend(reader, draft->backend, route, &draft->settings);
    else
        config_fault(reader->faults, node->place,
                     "proxy has no 'to', expected http:// or https://HOST[:PORT] or unix:PATH, or 'backend'");
    return false;
}

/* --- strip --- */

/* Reports whether a text is the beginning of a pattern, by whole segments. */
static bool begins(const char *pattern, const char *text, size_t length)
{
    return text[0] == '/' && strncmp(pattern, text, length) == 0 &&
           (pattern[length] == '/' || pattern[length] == '\0') && strchr(text, '*') == NULL;
}

bool proxy_strip_read(struct config_reader *reader, const struct tree_node *node, const char *what,
                      const char *pattern, struct proxy_settings *settings)
{
    size_t length = node->length;

    if (!node_is_text(reader, node, what))
        return false;
    if (length > 1 && node->text[length - 1] == '/')
        length--;
    if (!begins(pattern, node->text, length)) {
        config_fault(reader->faults, node->place,
                     "%s is '%s', expected whole segments with which the path '%s' begins", what, node->text,
                     pattern);
        return false;
    }
    for (size_t i = 0; i < length; i++)
        settings->strip += node->text[i] == '/';
    return true;
}

/* Without a backend there are no second attempts. */
static void read_repeatable(struct config_reader *reader, const struct tree_node *node, struct draft *draft)
{
    value_read_bool(reader, node, "proxy.repeatable", &draft->settings.repeatable);
    if (draft->settings.repeatable && draft->to != NULL)
        config_fault(reader->faults, node->key_place,
                     "proxy.repeatable stands beside 'to', expected 'backend': only requests to one of "
                     "backends have second attempts");
}

const void *proxy_settings_read(struct config_reader *reader, const struct tree_node *node,
                                const struct config_route *route)
{
    struct proxy_settings *settings = config_take(reader->memory, sizeof *settings);
    struct draft draft = {0};
    bool good;

    if (settings == NULL || !schema_read(reader, &schema, node, &draft))
        return NULL;
    good = read_destination(reader, node, route, &draft);
    if (draft.strip != NULL && route->path != NULL)
        good = proxy_strip_read(reader, draft.strip, "proxy.strip", route->path, &draft.settings) && good;
    if (draft.repeatable != NULL)
        read_repeatable(reader, draft.repeatable, &draft);
    *settings = draft.settings;
    return good ? settings : NULL;
}
