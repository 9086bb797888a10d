/* SPDX-License-Identifier: MIT */
/* respond: the same answer every time. */
#include "routes/respond.h"

#include <string.h>

#include "config/route_kind.h"
#include "routes/discard.h"

/* --- settings --- */

static void read_headers(struct config_reader *reader, const struct tree_node *node, void *member)
{
    headers_read(reader, node, "respond.headers", member);
}

static void read_type(struct config_reader *reader, const struct tree_node *node, void *member)
{
    if (media_type_check(reader, node, "respond.type"))
        *(const char **)member = node->text;
}

#define AT(member) .offset = offsetof(struct respond_settings, member)
static const struct schema_key keys[] = {
    {"status", SCHEMA_INT, AT(status), .fallback = "200", .min = 200, .max = 599},
    {"type", SCHEMA_CUSTOM, AT(type), .fallback = "text/plain", .read = read_type},
    {"body", SCHEMA_TEXT, AT(body), .fallback = ""},
    {"headers", SCHEMA_CUSTOM, AT(headers), .read = read_headers},
};
#undef AT
static const struct schema schema = {.name = "respond", SCHEMA_KEYS(keys)};

static const void *configure(struct config_reader *reader, const struct tree_node *node,
                             const struct config_route *route)
{
    struct respond_settings *settings = config_take(reader->memory, sizeof *settings);
    bool bodiless;

    (void)route;
    if (settings == NULL || !schema_read(reader, &schema, node, settings))
        return NULL;
    bodiless = settings->status == 204 || settings->status == 205 || settings->status == 304;
    if (bodiless && settings->body[0])
        config_fault(reader->faults, node->place, "respond.body is written, expected none with status %d",
                     settings->status);
    for (size_t i = 0; i < settings->headers.count; i++) {
        const char *name = settings->headers.header[i].name;
        if (strcasecmp(name, "content-type") == 0)
            config_fault(reader->faults, node->place, "respond.headers names '%s', expected it as type",
                         name);
        else if (strcasecmp(name, "date") == 0)
            config_fault(reader->faults, node->place, "respond.headers names '%s', expected it left out",
                         name);
    }
    settings->body_bytes = strlen(settings->body);
    return settings;
}

/* --- answering --- */

static int handle(weir_request *req, weir_response *res, void *state)
{
    const struct respond_settings *settings = state;
    int err = request_discard_body(req);

    for (size_t i = 0; i < settings->headers.count && err == 0; i++) {
        const weir_header *header = &settings->headers.header[i];
        err = weir_response_header_add(res, header->name, header->value);
    }
    return err ? err
               : weir_respond_bytes(res, settings->status, settings->type, settings->body,
                                    settings->body_bytes);
}

static weir_bytes fixed_body(const void *arg)
{
    const struct respond_settings *settings = arg;

    return (weir_bytes){settings->body, settings->body_bytes};
}

const struct route_kind route_respond = {.name = "respond",
                                         .configure = configure,
                                         .handle = handle,
                                         .heeds_deadline = true,
                                         .fixed_body = fixed_body};
