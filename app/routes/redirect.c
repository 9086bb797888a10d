/* SPDX-License-Identifier: MIT */
/* redirect: sends clients to another URL.
 *
 * What comes from the request cannot lead to another origin than the one that is written: parameters stand
 * behind the host, {host} is a valid host, and a path never begins with "//". */
#include "routes/redirect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weir/address.h>
#include <weir/http_text.h>
#include <weir/url.h>

#include "config/route_kind.h"
#include "config/value.h"
#include "http/template.h"
#include "http/url_text.h"

/* --- settings --- */

struct draft {
    int status;
    const struct tree_node *to;
};

/* "to" while it is read. */
struct reading {
    struct config_reader *reader;
    const struct tree_node *node;
    const char *pattern; /* of the route */
};

static bool fault_at(const struct reading *r, size_t at, const char *expected)
{
    const weir_text_fault fault = {at, expected};

    fault_in_text(r->reader, r->node, "redirect.to", &fault);
    return false;
}

static bool read_part(const struct reading *r, size_t from, size_t end, struct config_template *out)
{
    return template_read_part(r->reader, r->node, from, end - from, "redirect.to", r->pattern, true, out);
}

/* Checks the text of a path, query or fragment. */
static bool text_is_fine(const struct reading *r, const struct config_template *text, size_t skip)
{
    for (size_t i = 0; i < text->count; i++) {
        const struct template_part *part = &text->parts[i];
        const size_t from = i == 0 ? skip : 0;
        weir_text_fault fault;

        if (part->type != TEMPLATE_TEXT ||
            weir_url_check_target((weir_bytes){part->text + from, part->length - from}, &fault) == 0)
            continue;
        return fault_at(r, (size_t)(part->text - r->node->text) + from + fault.at, fault.expected);
    }
    return true;
}

/* Checks scheme and host with a name in place of {host}. */
static bool origin_is_fine(const struct reading *r, const struct config_template *origin)
{
    char text[512];
    size_t used = 0;
    weir_text_fault fault;
    weir_url url;

    for (size_t i = 0; i < origin->count; i++) {
        const struct template_part *part = &origin->parts[i];
        const char *piece = part->type == TEMPLATE_TEXT ? part->text : "h";
        const size_t bytes = part->type == TEMPLATE_TEXT ? part->length : 1;

        if (part->type != TEMPLATE_TEXT && part->type != TEMPLATE_HOST)
            return fault_at(r, 0, "no parameter but {host} before the path");
        if (bytes >= sizeof text - used)
            return fault_at(r, 0, "a shorter host");
        memcpy(text + used, piece, bytes);
        used += bytes;
    }
    if (weir_url_parse((weir_bytes){text, used}, &url, &fault) == 0)
        return true;
    return fault_at(r, 0, fault.expected);
}

static size_t first_of(const char *text, size_t from, const char *set, const char * or)
{
    const char *other = strstr(text + from, or);
    const size_t at = from + strcspn(text + from, set);

    return other != NULL && (size_t)(other - text) < at ? (size_t)(other - text) : at;
}

static bool has_scheme(const char *text)
{
    return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

/* Reads path and query, which begin at `from`. */
static bool read_target(const struct reading *r, size_t from, size_t end, struct redirect_settings *out)
{
    const char *text = r->node->text, *query = memchr(text + from, '?', end - from);
    const struct template_part *first;

    out->keeps_query = query == NULL;
    if (query != NULL && query + 1 == text + end)
        end--; /* a '?' alone drops the query */
    if (!read_part(r, from, end, &out->target) || !text_is_fine(r, &out->target, 0))
        return false;
    first = out->target.count > 0 ? &out->target.parts[0] : NULL;
    if (first == NULL || first->type == TEMPLATE_PATH ||
        (first->type == TEMPLATE_TEXT && *first->text == '?'))
        return out->origin.count > 0 || (first != NULL && first->type == TEMPLATE_PATH) ||
               fault_at(r, from, "a path, or http:// or https:// and a host");
    if (first->type != TEMPLATE_TEXT || *first->text != '/')
        return fault_at(r, from, "a path, or http:// or https:// and a host");
    return out->origin.count > 0 || text[from + 1] != '/' ||
           fault_at(r, from, "a path with one '/' at its beginning, or http:// or https:// and a host");
}

static bool read_to(const struct reading *r, struct redirect_settings *out)
{
    const char *text = r->node->text;
    size_t from = 0, end;

    if (has_scheme(text)) {
        from = first_of(text, (size_t)(strstr(text, "://") - text) + 3, "/?#", "{path}");
        if (!read_part(r, 0, from, &out->origin) || !origin_is_fine(r, &out->origin))
            return false;
    }
    end = from + strcspn(text + from, "#");
    if (!read_target(r, from, end, out))
        return false;
    return end == r->node->length ||
           (read_part(r, end, r->node->length, &out->fragment) && text_is_fine(r, &out->fragment, 1));
}

static void read_status(struct config_reader *reader, const struct tree_node *node, void *member)
{
    static const char *const names[] = {"301", "302", "303", "307", "308", NULL};
    static const int statuses[] = {301, 302, 303, 307, 308};
    int i = -1;

    value_read_choice(reader, node, "redirect.status", names, &i);
    if (i >= 0)
        *(int *)member = statuses[i];
}

#define AT(member) .offset = offsetof(struct draft, member)
static const struct schema_key keys[] = {
    {"to", SCHEMA_CUSTOM, AT(to), .read = schema_keep_node,
     .required = "a URL such as https://{host}/new/{*}, or a path"},
    {"status", SCHEMA_CUSTOM, AT(status), .fallback = "302", .read = read_status},
};
#undef AT
static const struct schema schema = {.name = "redirect", SCHEMA_KEYS(keys)};

static const void *configure(struct config_reader *reader, const struct tree_node *node,
                             const struct config_route *route)
{
    struct redirect_settings *settings = config_take(reader->memory, sizeof *settings);
    struct reading reading = {.reader = reader, .pattern = route->path};
    struct draft draft = {0};

    if (settings == NULL || !schema_read(reader, &schema, node, &draft))
        return NULL;
    settings->status = draft.status;
    reading.node = draft.to;
    if (draft.to != NULL && route->path != NULL && node_is_text(reader, draft.to, "redirect.to"))
        (void)read_to(&reading, settings);
    return settings;
}

/* --- answering --- */

static bool is_host(const char *host)
{
    const size_t length = strlen(host);
    enum weir_host_type type = weir_host_type_of((weir_bytes){host, length});

    if (length > 2 && host[0] == '[' && host[length - 1] == ']')
        return weir_host_type_of((weir_bytes){host + 1, length - 2}) == WEIR_HOST_IPV6;
    return type == WEIR_HOST_NAME || type == WEIR_HOST_IPV4;
}

/* Appends a part of the origin. Returns: 0; -EINVAL the request names no host; < 0. */
static int append_origin(weir_buffer *out, const struct config_template *origin, weir_request *req)
{
    int err = 0;

    for (size_t i = 0; i < origin->count && err == 0; i++) {
        const struct template_part *part = &origin->parts[i];
        const char *value = template_value(part, req);

        if (part->type != TEMPLATE_TEXT && (value == NULL || !is_host(value)))
            return -EINVAL;
        err = weir_buffer_append(out, value, template_value_length(part, value));
    }
    return err;
}

/* Appends path, query or fragment. */
static int append_parts(weir_buffer *out, const struct config_template *text, weir_request *req)
{
    bool in_query = false;
    int err = 0;

    for (size_t i = 0; i < text->count && err == 0; i++) {
        const struct template_part *part = &text->parts[i];
        const char *value = template_value(part, req);

        if (value == NULL)
            return -EINVAL;
        if (part->type == TEMPLATE_TEXT) {
            err = weir_buffer_append(out, part->text, part->length);
            in_query = in_query || memchr(part->text, '?', part->length) != NULL;
        } else {
            err = url_text_append(out, value, in_query && part->type != TEMPLATE_QUERY);
        }
    }
    return err;
}

/* Writes the URL and a NUL. */
static int write_location(weir_buffer *out, const struct redirect_settings *settings, weir_request *req)
{
    const char *query = settings->keeps_query ? weir_request_query(req) : "";
    weir_buffer target;
    int err = append_origin(out, &settings->origin, req);

    weir_buffer_init(&target, REDIRECT_BYTES_MAX);
    if (err == 0)
        err = append_parts(&target, &settings->target, req);
    if (err == 0 && settings->origin.count == 0 && target.len > 1 && memcmp(target.data, "//", 2) == 0)
        err = weir_buffer_append_text(out, "/."); /* "//host" would be another host */
    if (err == 0 && (target.len == 0 || *target.data == '?'))
        err = weir_buffer_append_byte(out, '/');
    if (err == 0)
        err = weir_buffer_append(out, target.data, target.len);
    weir_buffer_free(&target);
    if (err == 0 && *query != '\0')
        err = weir_buffer_append_byte(out, '?');
    if (err == 0)
        err = url_text_append(out, query, false);
    return err == 0 ? append_parts(out, &settings->fragment, req) : err;
}

static int handle(weir_request *req, weir_response *res, void *state)
{
    const struct redirect_settings *settings = state;
    weir_buffer location;
    int err;

    weir_buffer_init(&location, REDIRECT_BYTES_MAX);
    err = write_location(&location, settings, req);
    if (err == -WEIR_ETOOLARGE)
        err =
            weir_respond_fault(res, 414, "target_too_long", "the URL to which this leads would be too long");
    else if (err == -EINVAL)
        err = weir_respond_fault(res, 400, "malformed",
                                 "the request names no host, or none that a URL can have");
    else if (err == 0 && (err = weir_response_header_add(res, "location", location.data)) == 0)
        err = weir_respond_bytes(res, settings->status, NULL, NULL, 0);
    weir_buffer_free(&location);
    return err;
}

const struct route_kind route_redirect = {.name = "redirect", .configure = configure, .handle = handle};
