/* SPDX-License-Identifier: MIT */
#include "gateway/served.h"

#include <stdint.h>
#include <stdlib.h>

#include "gateway/edge.h"

static weir_limits limits_of(const struct config_limits *limits)
{
    return (weir_limits){
        .head_bytes = limits->head_bytes,
        .headers = limits->headers,
        .body_bytes = limits->body_bytes,
        .head_timeout = limits->head_timeout,
        .idle_timeout = limits->idle_timeout,
        .body_rate_bytes = limits->body_rate ? limits->body_rate : WEIR_NO_RATE,
        .connections = limits->connections,
        .connections_per_client = limits->connections_per_client,
        .exchanges = limits->exchanges,
    };
}

void served_options(const struct config *config, weir_server_options *out)
{
    out->runtime.loops = config->loops;
    out->runtime.io = (enum weir_io)config->io;
    out->runtime.log_json = config->log == CONFIG_LOG_JSON;
    out->runtime.log_level = config_log_level(config);
    out->runtime.resolver = config->resolver;
    out->runtime.stall_after = config->stall.after;
    out->runtime.stall_then = (enum weir_stall_then)config->stall.then;
    out->limits = limits_of(&config->limits);
    out->limit_names = (weir_limit_names){.head = "limits.head",
                                          .headers = "limits.headers",
                                          .body = "limits.body",
                                          .head_timeout = "limits.head_timeout",
                                          .idle_timeout = "limits.idle_timeout",
                                          .body_rate = "limits.body_rate"};
    out->drain =
        config->drain.ns ? config->drain : (weir_duration){1}; /* the library takes 0 for its default */
    out->ledger_off = !config->ledger;
    out->server_timing = config->server_timing;
}

static const char *scheme_of(const struct config_route *route)
{
    return route->scheme != CONFIG_ANY_SCHEME ? config_scheme_names[route->scheme] : NULL;
}

weir_route *served_routes(const struct config *config, weir_handler *handler)
{
    weir_route *routes = calloc(config->route_count + 1, sizeof *routes);

    for (size_t i = 0; routes != NULL && i < config->route_count; i++)
        routes[i] = (weir_route){
            .host = config->routes[i].host,
            .path = config->routes[i].path,
            .name = config->routes[i].name,
            .scheme = scheme_of(&config->routes[i]),
            .methods = config->routes[i].methods,
            .handler = handler,
            .data = (void *)(uintptr_t)&config->routes[i],
            .preflights = config->routes[i].cors != NULL,
            .takes_too_large = edge_is_wanted(&config->routes[i]),
            .body_bytes_max = config->routes[i].limits.body_bytes,
        };
    return routes;
}
