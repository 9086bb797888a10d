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
#include "http/client/fetch_parts.h"
#include "http/message/url.h"
#include "http/message/writer.h"
#include "http/server/routing.h"
#include "http/server/server_options.h"
#include "net/address.h"
#include "routes/gather_request.h"
#include "routes/gather_settings.h"

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
        weir__url_read(weir_bytes_of(text.data), &url, &at) == NULL && !url.tls;
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
    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route *route = &config->routes[i];
        const char *refused =
            strcmp(route->kind->name, "gather") == 0 ? refusal_of_gather(route->settings) : NULL;
        if (refused != NULL)
            return refused;
    }
    return NULL;
}

#endif
