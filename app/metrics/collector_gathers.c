/* SPDX-License-Identifier: MIT */
#include "metrics/collector_parts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/route_kind.h"
#include "routes/gather_settings.h"
#include "routes/proxy_settings.h"

enum { ORIGIN_BYTES = 512 };

/* --- what loops count --- */

int open_gathers(struct snapshot *s, const struct gather_counts *counts)
{
    const size_t gathers = counts != NULL ? gather_counts_routes(counts) : 0;
    const size_t calls = counts != NULL ? gather_counts_calls(counts) : 0;
    struct gather_route_total total;
    int err = 0;

    s->gathers = calloc(gathers + 1, sizeof *s->gathers);
    s->gather_calls = calloc(calls + 1, sizeof *s->gather_calls);
    if (s->gathers == NULL || s->gather_calls == NULL)
        return -ENOMEM;
    s->gather_count = gathers;
    s->gather_call_count = calls;
    for (size_t i = 0; i < gathers && err == 0; i++) {
        gather_counts_read_route(counts, i, &total);
        s->gathers[i].route = total.route;
        err = series_open_plain(&s->gathers[i].partial, 1);
    }
    return err;
}

void collect_gathers(struct snapshot *s, const struct gather_counts *counts)
{
    struct gather_route_total total;

    for (size_t i = 0; i < s->gather_count; i++) {
        gather_counts_read_route(counts, i, &total);
        series_update(&s->gathers[i].partial, NULL, &total.partial);
    }
}

void collect_gather_calls(struct snapshot *s, const struct gather_counts *counts)
{
    for (size_t i = 0; i < s->gather_call_count; i++)
        gather_counts_read_call(counts, i, &s->gather_calls[i]);
}

/* --- what the configuration says --- */

/* Returns: the settings of a route, if it is of this kind; NULL: it is of another. */
static const void *settings_of(const struct config_route *route, const char *kind)
{
    return strcmp(route->kind->name, kind) == 0 ? route->settings : NULL;
}

/* The name of an origin as the client has it: always with its port. */
static char *name_of(const char *origin, const char *address)
{
    const char *host = strstr(origin, "://");
    const char *end = host != NULL ? strrchr(host, ']') : NULL;
    const bool has_port = host == NULL || strchr(end != NULL ? end : host + strlen("://"), ':') != NULL;
    char text[ORIGIN_BYTES];

    snprintf(text, sizeof text, "%s%s%s%s", origin, has_port ? "" : ":80", address != NULL ? " at " : "",
             address != NULL ? address : "");
    return strdup(text);
}

static int add_call(struct snapshot *s, struct snapshot_call call, const struct config_backend *backend,
                    const char *origin, const char *address)
{
    if (backend != NULL)
        call.backend = backend->options.name;
    else
        call.origin = name_of(origin, address);
    if (backend == NULL && call.origin == NULL)
        return -ENOMEM;
    s->calls[s->call_count++] = call;
    return 0;
}

static enum snapshot_call_repeats repeats_of_call(const struct gather_call *call)
{
    const bool is_safe =
        call->method == CONFIG_GET || call->method == CONFIG_HEAD || call->method == CONFIG_OPTIONS;

    return is_safe || call->repeatable ? CALL_REPEATS_ALWAYS : CALL_REPEATS_NEVER;
}

static enum snapshot_call_repeats repeats_of_proxy(const struct config_route *route,
                                                   const struct proxy_settings *proxy)
{
    const unsigned safe = 1U << CONFIG_GET | 1U << CONFIG_HEAD | 1U << CONFIG_OPTIONS;
    const unsigned takes = route->method_mask;

    if (proxy->repeatable || (takes != 0 && (takes & ~safe) == 0))
        return CALL_REPEATS_ALWAYS;
    return takes != 0 && (takes & safe) == 0 ? CALL_REPEATS_NEVER : CALL_REPEATS_SOME;
}

static int add_calls(struct snapshot *s, const struct config_route *route)
{
    const struct gather_settings *gather = settings_of(route, "gather");
    const struct proxy_settings *proxy = settings_of(route, "proxy");
    int err = 0;

    for (size_t i = 0; gather != NULL && i < gather->call_count && err == 0; i++) {
        const struct gather_call *call = &gather->calls[i];
        err = add_call(
            s,
            (struct snapshot_call){.route = route->name,
                                   .call = call->name,
                                   .deadline = call->deadline.ns > 0 ? call->deadline : gather->deadline,
                                   .repeats = repeats_of_call(call)},
            call->backend, call->url.origin, NULL);
    }
    if (proxy == NULL)
        return err;
    return add_call(s,
                    (struct snapshot_call){.route = route->name, .repeats = repeats_of_proxy(route, proxy)},
                    proxy->backend, proxy->origin, proxy->address);
}

static size_t count_calls(const struct config_route *route)
{
    const struct gather_settings *gather = settings_of(route, "gather");

    return gather != NULL ? gather->call_count : settings_of(route, "proxy") != NULL;
}

int open_calls(struct snapshot *s)
{
    size_t count = 0;
    int err = 0;

    for (size_t i = 0; i < s->config->route_count; i++)
        count += count_calls(&s->config->routes[i]);
    s->calls = calloc(count + 1, sizeof *s->calls);
    if (s->calls == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < s->config->route_count && err == 0; i++)
        err = add_calls(s, &s->config->routes[i]);
    return err;
}

void close_calls(struct snapshot *s)
{
    for (size_t i = 0; i < s->call_count; i++)
        free(s->calls[i].origin);
    free(s->calls);
}
