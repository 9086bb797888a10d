/* SPDX-License-Identifier: MIT */
#include "metrics/collector_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/route_kind.h"
#include "routes/gather_settings.h"

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

static const struct gather_settings *settings_of(const struct config_route *route)
{
    return strcmp(route->kind->name, "gather") == 0 ? route->settings : NULL;
}

/* The client names an origin always with its port. */
static char *with_port(const char *origin)
{
    const char *host = strstr(origin, "://");
    const char *end = host != NULL ? strrchr(host, ']') : NULL;
    char text[ORIGIN_BYTES];

    if (host == NULL || strchr(end != NULL ? end : host + strlen("://"), ':') != NULL)
        return strdup(origin);
    snprintf(text, sizeof text, "%s:80", origin);
    return strdup(text);
}

static int add_calls(struct snapshot *s, const struct config_route *route)
{
    const struct gather_settings *settings = settings_of(route);

    for (size_t i = 0; settings != NULL && i < settings->call_count; i++) {
        const struct config_backend *backend = settings->calls[i].backend;
        char *origin =
            backend != NULL ? strdup(backend->options.name) : with_port(settings->calls[i].url.origin);
        if (origin == NULL)
            return -ENOMEM;
        s->calls[s->call_count++] = (struct snapshot_call){route->name, settings->calls[i].name, origin};
    }
    return 0;
}

int open_calls(struct snapshot *s)
{
    size_t count = 0;
    int err = 0;

    for (size_t i = 0; i < s->config->route_count; i++) {
        const struct gather_settings *settings = settings_of(&s->config->routes[i]);
        count += settings != NULL ? settings->call_count : 0;
    }
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
