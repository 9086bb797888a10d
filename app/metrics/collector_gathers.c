/* SPDX-License-Identifier: MIT */
#include "metrics/collector_gathers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routes/gather_settings.h"
#include "config/route_kind.h"

enum { ORIGIN_BYTES = 512 };

int observed_gathers_open(struct observed_gathers *o, const struct config *config,
                          const struct gather_counts *counts)
{
    *o = (struct observed_gathers){.counts = counts, .config = config};
    if (counts == NULL)
        return 0;
    o->route_count = gather_counts_routes(counts);
    o->partial = calloc(o->route_count + 1, sizeof(struct rolling *));
    for (size_t i = 0; o->partial != NULL && i < o->route_count; i++)
        if ((o->partial[i] = rolling_new_plain(1)) == NULL)
            return -ENOMEM;
    return o->partial != NULL ? 0 : -ENOMEM;
}

void observed_gathers_look(struct observed_gathers *o)
{
    struct gather_route_total total;

    for (size_t i = 0; i < o->route_count; i++) {
        gather_counts_read_route(o->counts, i, &total);
        rolling_see(o->partial[i], NULL, &total.partial);
    }
}

void observed_gathers_next(struct observed_gathers *o, const struct rolling_clock *clock)
{
    for (size_t i = 0; i < o->route_count; i++)
        rolling_next(o->partial[i], clock);
}

void observed_gathers_close(struct observed_gathers *o)
{
    for (size_t i = 0; o->partial != NULL && i < o->route_count; i++)
        rolling_free(o->partial[i]);
    free(o->partial);
}

uint64_t observed_gathers_partial(const struct observed_gathers *o, const char *route,
                                  const struct rolling_clock *clock, weir_instant now, int seconds)
{
    struct gather_route_total total;
    struct rolling_window w;

    for (size_t i = 0; i < o->route_count; i++) {
        gather_counts_read_route(o->counts, i, &total);
        if (strcmp(total.route, route) != 0)
            continue;
        rolling_sum(o->partial[i], clock, now, seconds, &w);
        return w.numbers[0];
    }
    return 0;
}

/* As the client names it: always with its port. */
static const char *with_port(const char *origin, char text[ORIGIN_BYTES])
{
    const char *host = strstr(origin, "://");
    const char *end = host != NULL ? strrchr(host, ']') : NULL;
    if (host == NULL || strchr(end != NULL ? end : host + strlen(":// != NULL"), ':'))
        return origin;
    snprintf(text, ORIGIN_BYTES, "%s:80", origin);
    return text;
}

void observed_gathers_each_call(const struct config *config,
                                void (*fn)(void *arg, const char *route, const char *call,
                                           const char *origin),
                                void *arg)
{
    char text[ORIGIN_BYTES];

    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route *route = &config->routes[i];
        const struct gather_settings *settings = route->settings;
        if (strcmp(route->kind->name, "gather") != 0)
            continue;
        for (size_t k = 0; k < settings->call_count; k++)
            fn(arg, route->path, settings->calls[k].name, with_port(settings->calls[k].url.origin, text));
    }
}
