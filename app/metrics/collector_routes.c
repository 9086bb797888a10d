/* SPDX-License-Identifier: MIT */
#include "metrics/collector_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/request_totals.h"

/* --- opening --- */

const struct series *partial_of_route(const struct snapshot *s, const char *route)
{
    for (size_t i = 0; i < s->gather_count; i++)
        if (strcmp(s->gathers[i].route, route) == 0)
            return &s->gathers[i].partial;
    return NULL;
}

int open_routes(struct snapshot *s, const struct request_counts *counts)
{
    const size_t count = request_counts_labels(counts);
    int err = 0;

    s->routes = calloc(count, sizeof *s->routes);
    if (s->routes == NULL)
        return -ENOMEM;
    s->route_count = count;
    for (size_t i = 0; i < count && err == 0; i++) {
        struct snapshot_route *route = &s->routes[i];
        route->name = request_counts_label_name(counts, i);
        route->kind = request_counts_label_kind(counts, i);
        route->partial = partial_of_route(s, route->name);
        err = series_open(&route->requests, ROUTE_NUMBERS);
        if (err == 0)
            err = series_open(&route->breakdown, BREAKDOWN_NUMBERS);
    }
    return err;
}

/* --- collecting --- */

void route_numbers(const struct request_totals *total, uint64_t numbers[ROUTE_NUMBERS])
{
    numbers[ROUTE_ERRORS] = total->errors;
    numbers[ROUTE_CUT] = total->cut;
    numbers[ROUTE_REQUEST_BYTES] = total->request_bytes;
    numbers[ROUTE_REPLY_BYTES] = total->reply_bytes;
    numbers[ROUTE_RATE_SHARED] = total->rate_shared;
    memcpy(numbers + ROUTE_OUTLIERS, total->outliers, sizeof total->outliers);
    memcpy(numbers + ROUTE_REFUSED, total->refused, sizeof total->refused);
}

void breakdown_numbers(const struct breakdown_total *total, uint64_t numbers[BREAKDOWN_NUMBERS])
{
    memcpy(numbers, total->charges_ns, sizeof total->charges_ns);
    numbers[BREAKDOWN_COUNT] = total->samples;
}

static void collect_requests(struct snapshot_route *route, const struct request_counts *counts, size_t i)
{
    struct request_totals total;
    uint64_t numbers[ROUTE_NUMBERS];

    request_counts_read(counts, i, &total);
    route_numbers(&total, numbers);
    series_update(&route->requests, &total.took, numbers);
}

static void collect_breakdown(struct snapshot_route *route, const struct request_counts *counts, size_t i)
{
    struct breakdown_total total;
    uint64_t numbers[BREAKDOWN_NUMBERS];

    request_counts_read_breakdown(counts, i, &total);
    breakdown_numbers(&total, numbers);
    series_update(&route->breakdown, &total.run, numbers);
    memcpy(route->slowest, total.slowest, sizeof route->slowest);
    memcpy(route->holder, total.holder, sizeof route->holder);
    route->slowest_ms = total.slowest_weight > 0
                            ? (double)total.slowest_ns * BREAKDOWN_WEIGHT / (double)total.slowest_weight / 1e6
                            : 0;
}

void collect_routes(struct snapshot *s, const struct request_counts *counts)
{
    for (size_t i = 0; i < s->route_count; i++) {
        collect_requests(&s->routes[i], counts, i);
        collect_breakdown(&s->routes[i], counts, i);
    }
}

void collect_outcomes(struct snapshot *s, const struct request_counts *counts)
{
    for (size_t i = 0; i < s->route_count; i++) {
        struct snapshot_route *route = &s->routes[i];
        request_counts_read_outcomes(counts, i, &route->outcomes);
        request_counts_add_expected(counts, i, &route->outcomes);
        for (unsigned bucket = 0; bucket < BUCKETS; bucket++)
            if (!request_counts_read_exemplar(counts, i, bucket, &route->exemplars[bucket]))
                route->exemplars[bucket].at_ms = 0;
    }
}
