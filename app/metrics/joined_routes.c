/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/collector_parts.h"
#include "metrics/joined_parts.h"
#include "metrics/request_totals.h"

/* --- what is there from the start --- */

static const struct sum_row *find(const struct sums *sums, enum totals_part part, const char *name)
{
    return sums_find(sums, part, (const char *const[]){name, NULL});
}

void joined_want_routes(struct sums *sums, const struct request_counts *routes,
                        const struct gather_counts *gathers)
{
    for (size_t i = 0; i < request_counts_labels(routes); i++) {
        const char *const keys[] = {request_counts_label_name(routes, i), NULL};
        (void)sums_want(sums, TOTALS_ROUTE, keys);
        (void)sums_want(sums, TOTALS_BREAKDOWN, keys);
    }
    for (size_t i = 0; i < gather_counts_routes(gathers); i++) {
        struct gather_route_total total;
        gather_counts_read_route(gathers, i, &total);
        (void)sums_want(sums, TOTALS_GATHER, (const char *const[]){total.route, NULL});
    }
    for (size_t i = 0; i < gather_counts_calls(gathers); i++) {
        struct gather_call_total total;
        gather_counts_read_call(gathers, i, &total);
        (void)sums_want(sums, TOTALS_CALL, (const char *const[]){total.route, total.call, NULL});
    }
}

/* --- gathers --- */

void joined_gathers(struct snapshot *s, const struct sums *sums, bool with_gone)
{
    const size_t gathers = joined_count(sums, TOTALS_GATHER, with_gone);
    const size_t calls = joined_count(sums, TOTALS_CALL, with_gone);

    s->gather_count = s->gather_call_count = 0;
    s->gathers = joined_room(s->gathers, gathers, sizeof *s->gathers);
    s->gather_calls = joined_room(s->gather_calls, calls, sizeof *s->gather_calls);
    if (s->gathers == NULL || s->gather_calls == NULL)
        return;
    for (const struct sum_row *row = sums_first(sums, TOTALS_GATHER); row != NULL; row = sums_next(row))
        if (joined_lists(row, with_gone))
            s->gathers[s->gather_count++] =
                (struct snapshot_gather){.route = row->keys[0], .partial = *row->series};
    for (const struct sum_row *row = sums_first(sums, TOTALS_CALL); row != NULL; row = sums_next(row))
        if (joined_lists(row, with_gone)) {
            struct gather_call_total *call = &s->gather_calls[s->gather_call_count++];
            *call = (struct gather_call_total){.route = row->keys[0], .call = row->keys[1]};
            memcpy(call->ends, row->numbers, sizeof call->ends);
        }
}

/* --- routes --- */

static void take_slowest(struct snapshot_route *route, const struct totals_row *read)
{
    const double slowest_ms = (double)read->values[0] / 1e6;
    const bool first = route->slowest[0] == '\0' && route->holder[0] == '\0';

    if (!first && slowest_ms <= route->slowest_ms)
        return;
    route->slowest_ms = slowest_ms;
    snprintf(route->slowest, sizeof route->slowest, "%s", read->texts[1] != NULL ? read->texts[1] : "");
    snprintf(route->holder, sizeof route->holder, "%s", read->texts[2] != NULL ? read->texts[2] : "");
}

static void add_route(struct snapshot *s, const struct sums *sums, const struct sum_row *row,
                      const char *kind)
{
    const struct sum_row *breakdown = find(sums, TOTALS_BREAKDOWN, row->keys[0]);
    struct snapshot_route *route = &s->routes[s->route_count];
    struct totals_row read;

    if (breakdown == NULL)
        return;
    *route = (struct snapshot_route){.name = row->keys[0],
                                     .kind = kind,
                                     .requests = *row->series,
                                     .breakdown = *breakdown->series,
                                     .partial = partial_of_route(s, row->keys[0])};
    for (size_t place = 0; sums_each_living(sums, row, &place, &read);) {
        take_slowest(route, &read);
        route->kind = route->kind != NULL ? route->kind : read.texts[0];
    }
    s->route_count++;
}

static bool is_listed(const struct snapshot *s, const char *name)
{
    for (size_t i = 0; i < s->route_count; i++)
        if (strcmp(s->routes[i].name, name) == 0)
            return true;
    return false;
}

void joined_routes(struct snapshot *s, const struct sums *sums, const struct request_counts *routes,
                   bool with_gone)
{
    const size_t labels = request_counts_labels(routes);

    s->route_count = 0;
    s->routes = joined_room(s->routes, joined_count(sums, TOTALS_ROUTE, with_gone), sizeof *s->routes);
    if (s->routes == NULL)
        return;
    for (size_t i = 0; i < labels; i++) {
        const struct sum_row *row = find(sums, TOTALS_ROUTE, request_counts_label_name(routes, i));
        if (row != NULL && joined_lists(row, with_gone))
            add_route(s, sums, row, request_counts_label_kind(routes, i));
    }
    for (const struct sum_row *row = sums_first(sums, TOTALS_ROUTE); row != NULL; row = sums_next(row))
        if (joined_lists(row, with_gone) && !is_listed(s, row->keys[0]))
            add_route(s, sums, row, row->lives ? NULL : "gone");
}

/* --- how requests ended --- */

/* Rows of one route mostly come one after the other: *at is where the latest was found. */
static struct snapshot_route *route_of(struct snapshot *s, const char *name, size_t *at)
{
    for (size_t i = 0; i < s->route_count; i++, *at = (*at + 1) % s->route_count)
        if (strcmp(s->routes[*at % s->route_count].name, name) == 0)
            return &s->routes[*at % s->route_count];
    return NULL;
}

static void take_exemplars(struct snapshot_route *route, const struct totals_row *read)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        const int64_t *values = read->values + i * EXEMPLAR_VALUES;
        struct exemplar *latest = &route->exemplars[i];
        if ((uint64_t)values[EXEMPLAR_AT_MS] > latest->at_ms)
            *latest = (struct exemplar){
                .trace = {.id_high = (uint64_t)values[EXEMPLAR_HIGH],
                          .id_low = (uint64_t)values[EXEMPLAR_LOW]},
                .took = {values[EXEMPLAR_TOOK_NS]},
                .at_ms = (uint64_t)values[EXEMPLAR_AT_MS],
            };
    }
}

void joined_outcomes(struct snapshot *s, const struct sums *sums, const struct request_counts *routes)
{
    struct totals_row read;
    size_t at = 0;

    for (const struct sum_row *row = sums_first(sums, TOTALS_OUTCOME); row != NULL; row = sums_next(row)) {
        struct snapshot_route *route = route_of(s, row->keys[0], &at);
        int method, status;
        if (route != NULL && sscanf(row->keys[1], "%d %d", &method, &status) == 2 && method >= 0 &&
            method < REQUEST_METHODS)
            request_outcomes_add(&route->outcomes, method, status, row->numbers[0]);
    }
    for (size_t i = 0; i < request_counts_labels(routes); i++) {
        struct snapshot_route *route = route_of(s, request_counts_label_name(routes, i), &at);
        if (route != NULL)
            request_counts_add_expected(routes, i, &route->outcomes);
    }
    for (const struct sum_row *row = sums_first(sums, TOTALS_EXEMPLARS); row != NULL; row = sums_next(row)) {
        struct snapshot_route *route = route_of(s, row->keys[0], &at);
        for (size_t place = 0; route != NULL && sums_each_living(sums, row, &place, &read);)
            take_exemplars(route, &read);
    }
}
