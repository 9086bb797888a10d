/* SPDX-License-Identifier: MIT */
/* What the library refuses of a configuration that has been read without a fault: nothing, or check and serve
 * disagree.
 *
 * Threading: one thread, without a loop.
 */
#ifndef TEST_REFUSAL_H
#define TEST_REFUSAL_H

#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/route_kind.h"
#include "gateway/served.h"
#include "config/backend.h"
#include "http/client/backend/settings.h"
#include "http/client/fetch_parts.h"
#include "http/message/url.h"
#include "http/message/writer.h"
#include "http/server/routing.h"
#include "http/server/server_options.h"
#include "net/address.h"
#include "routes/gather_request.h"
#include "routes/gather_settings.h"
#include "routes/redirect.h"

static inline int refusal_answer_nothing(weir_request *req, weir_response *res, void *state)
{
    (void)req;
    (void)res;
    (void)state;
    return 0;
}

static inline bool refusal_server_takes(const struct config *config)
{
    struct weir_server server = {0};
    weir_server_options options = {0};
    weir_route *routes = served_routes(config, refusal_answer_nothing);
    int err;

    served_options(config, &options);
    err = weir__server_options_complete(&options);
    if (err == 0)
        err = weir__routes_compile(&server, routes, config->route_count);
    weir__routes_free(&server);
    free(routes);
    return err == 0;
}

static inline bool refusal_headers_are_sent(const struct config_headers *headers)
{
    static const char url[] = "http://h/";
    const weir_fetch_options options = {
        .url = url, .headers = headers->header, .header_count = headers->count};
    struct weir__fetch fetch = {0};
    char room[CONFIG_HEADERS_BYTES_MAX + 4 * CONFIG_HEADERS_MAX];
    weir__http_writer writer = weir__http_writer_into(room, sizeof room);

    for (size_t i = 0; i < headers->count; i++)
        weir__http_write_field(&writer, weir_bytes_of(headers->header[i].name),
                               weir_bytes_of(headers->header[i].value));
    return writer.err == 0 && weir__fetch_check(&fetch, &options, 0) == 0;
}

static inline const char *refusal_param(const void *of, const char *name)
{
    (void)name;
    return of;
}

/* Expands the URL of a call with a value that a path may have. */
static inline bool refusal_url_is_asked(const struct url_template *template_)
{
    weir_buffer text;
    weir_url url;
    size_t at;
    bool taken;

    weir_buffer_init(&text, GATHER_URL_BYTES_MAX + sizeof "http://h");
    taken =
        (*template_->origin != '\0' || weir_buffer_append_text(&text, "http://h") == 0) && /* of a backend */
        gather_expand(&text, template_, refusal_param, "a%2Fb&c=d|e") == 0 &&
        weir__url_read(weir_bytes_of(text.data), &url, &at) == NULL;
    weir_buffer_free(&text);
    return taken;
}

static inline const char *refusal_of_gather(const struct gather_settings *gather)
{
    for (size_t i = 0; i < gather->call_count; i++) {
        if (!refusal_url_is_asked(&gather->calls[i].url))
            return "the URL of a call";
        if (!refusal_headers_are_sent(&gather->calls[i].headers))
            return "the headers of a call";
    }
    return NULL;
}

static inline bool refusal_backends_are_opened(const struct config *config)
{
    for (size_t i = 0; i < config->backend_count; i++) {
        struct weir__backend_settings settings;
        if (weir__backend_settings_read(&settings, &config->backends[i].options) < 0)
            return false;
        weir__backend_settings_free(&settings);
    }
    return true;
}

/* Rules for headers, filled in with what a request may have. */
static inline bool refusal_rules_are_sent(const struct config_header_rules *rules)
{
    char room[4 * CONFIG_HEADER_RULES_BYTES_MAX];
    weir__http_writer writer = weir__http_writer_into(room, sizeof room);

    for (size_t i = 0; i < rules->count; i++) {
        const struct config_header_rule *rule = &rules->rule[i];
        weir_buffer value;
        int err = 0;
        weir_buffer_init(&value, 1 << 20);
        for (size_t k = 0; k < rule->value.count && err == 0; k++)
            err = rule->value.parts[k].type == TEMPLATE_TEXT
                      ? weir_buffer_append(&value, rule->value.parts[k].text, rule->value.parts[k].length)
                      : weir_buffer_append_text(&value, "a%2F;b");
        weir__http_write_field(&writer, weir_bytes_of(rule->name), weir_buffer_bytes(&value));
        weir_buffer_free(&value);
    }
    return writer.err == 0;
}

static inline void refusal_append(weir_buffer *out, const struct config_template *text)
{
    static const char *const values[] = {
        [TEMPLATE_PARAM] = "a%2Fb", [TEMPLATE_HOST] = "h", [TEMPLATE_PATH] = "/p", [TEMPLATE_QUERY] = "q=1"};

    for (size_t i = 0; i < text->count; i++) {
        const struct template_part *part = &text->parts[i];
        if (part->type == TEMPLATE_TEXT)
            (void)!weir_buffer_append(out, part->text, part->length);
        else
            (void)!weir_buffer_append_text(out, values[part->type]);
    }
}

/* Puts together where a redirect leads, without a fragment, and reads it as a client does. */
static inline bool refusal_redirect_leads(const struct redirect_settings *redirect)
{
    weir_buffer text;
    weir_url url;
    bool leads;

    weir_buffer_init(&text, 1 << 20);
    if (redirect->origin.count == 0)
        (void)!weir_buffer_append_text(&text, "http://h");
    refusal_append(&text, &redirect->origin);
    if (redirect->target.count == 0 || *redirect->target.parts[0].text == '?')
        (void)!weir_buffer_append_byte(&text, '/');
    refusal_append(&text, &redirect->target);
    leads = weir_url_parse(weir_buffer_bytes(&text), &url, NULL) == 0;
    weir_buffer_free(&text);
    return leads;
}

static inline const char *refusal_of_route(const struct config_route *route)
{
    if (!refusal_rules_are_sent(&route->headers.request) || !refusal_rules_are_sent(&route->headers.response))
        return "a rule for headers";
    if (strcmp(route->kind->name, "redirect") == 0 && !refusal_redirect_leads(route->settings))
        return "a redirect";
    return strcmp(route->kind->name, "gather") == 0 ? refusal_of_gather(route->settings) : NULL;
}

/* Returns: what is refused; NULL: nothing. */
static inline const char *refusal_of(const struct config *config)
{
    struct weir__endpoint endpoint;

    if (!refusal_server_takes(config))
        return "the options or the routes of the server";
    for (size_t i = 0; i < config->listen_count; i++)
        if (weir__endpoint_parse(config->listen[i].text, &endpoint) < 0)
            return "an address to listen on";
    if (config->admin != NULL && weir__endpoint_parse(config->admin->text, &endpoint) < 0)
        return "the admin address";
    if (!refusal_backends_are_opened(config))
        return "a backend";
    for (size_t i = 0; i < config->route_count; i++) {
        const char *refused = refusal_of_route(&config->routes[i]);

        if (refused != NULL)
            return refused;
    }
    return NULL;
}

#endif
