/* SPDX-License-Identifier: MIT */
#include "metrics/collector_parts.h"

#include "metrics/request_outliers.h"

enum { ROUTES_AT_ONCE = 64 }; /* a window takes tens of microseconds to add up */

/* What the last minute teaches, or all time where a minute has too few requests. */
static weir_duration limit_of(const struct series *requests, const struct window_clock *clock,
                              weir_instant now)
{
    struct window_sum sum;
    weir_duration limit = {-1};

    if (weir_meter_count(requests->meter) < REQUEST_LEARN_FROM)
        return limit;
    sliding_window_sum(requests->window, clock, now, WINDOW_LONG_S, &sum);
    limit = request_limit_of(&sum.meter);
    return limit.ns >= 0 ? limit : request_limit_of(requests->meter);
}

void learn_outliers(const struct snapshot *s, const struct window_clock *clock, struct request_counts *counts,
                    size_t *at)
{
    for (size_t i = 0; i < s->route_count && i < ROUTES_AT_ONCE; i++, ++*at) {
        const size_t route = *at % s->route_count;
        if (s->routes[route].kind != NULL) /* else what no route took */
            request_counts_learn(counts, route, limit_of(&s->routes[route].requests, clock, s->at));
    }
}
