/* SPDX-License-Identifier: MIT */
#include "admin/page_metrics_parts.h"

#include <stdio.h>
#include <string.h>

static void outcomes(struct exposition *e, const struct snapshot_route *route)
{
    for (size_t i = 0; i < route->outcomes.count; i++) {
        const struct request_outcome *outcome = &route->outcomes.list[i];
        char status[12] = "other";
        if (outcome->status > 0)
            snprintf(status, sizeof status, "%d", outcome->status);
        exposition_count(
            e,
            LABELS({"route", route->name}, {"method", request_methods[outcome->method]}, {"status", status}),
            outcome->count);
    }
}

static void requests(struct exposition *e, const struct snapshot *s)
{
    exposition_family(
        e, "weir_requests_total", "counter",
        "Requests that have ended, by what was answered; 499: the client left before there was an answer.");
    for (size_t i = 0; i < s->route_count; i++)
        outcomes(e, &s->routes[i]);
    exposition_family(e, "weir_request_seconds", "histogram",
                      "From the first byte of a request to the last of its answer.");
    for (size_t i = 0; i < s->route_count; i++)
        exposition_meter(e, LABELS({"route", s->routes[i].name}), s->routes[i].requests.meter,
                         s->routes[i].exemplars);
}

/* One family of a number that each route has. */
static void numbers(struct exposition *e, const struct snapshot *s, enum snapshot_route_number number)
{
    for (size_t i = 0; i < s->route_count; i++)
        exposition_count(e, LABELS({"route", s->routes[i].name}), s->routes[i].requests.numbers[number]);
}

static void sums(struct exposition *e, const struct snapshot *s)
{
    exposition_family(e, "weir_request_bytes_total", "counter", "Bytes of the bodies of requests.");
    numbers(e, s, ROUTE_REQUEST_BYTES);
    exposition_family(e, "weir_reply_bytes_total", "counter", "Bytes of the bodies of answers.");
    numbers(e, s, ROUTE_REPLY_BYTES);
    exposition_family(e, "weir_request_errors_total", "counter", "Requests that were answered 500 or above.");
    numbers(e, s, ROUTE_ERRORS);
    exposition_family(e, "weir_requests_cut_total", "counter", "Answers that began and broke off.");
    numbers(e, s, ROUTE_CUT);
}

/* A route has some reasons; what no route took has the others. */
static bool can_be_refused(bool is_route, const weir_refusal *refusal)
{
    return is_route ? refusal->type != WEIR_REFUSAL_FAULT || strcmp(refusal->reason, "too_large") == 0
                    : refusal->type != WEIR_REFUSAL_RULE &&
                          strncmp(refusal->reason, "pool_", strlen("pool_")) != 0;
}

static void refusals(struct exposition *e, const struct snapshot *s)
{
    exposition_family(e, "weir_refused_total", "counter",
                      "Requests that were refused by the server, or because a pool refused their job.");
    for (size_t i = 0; i < s->route_count; i++)
        for (size_t k = 0; k < request_refusal_count(); k++) {
            const struct snapshot_route *route = &s->routes[i];
            const weir_refusal *refusal = weir_refusal_at(k);
            const uint64_t count = route->requests.numbers[ROUTE_REFUSED + k];
            if (count > 0 || can_be_refused(route->kind != NULL, refusal))
                exposition_count(e, LABELS({"route", route->name}, {"reason", refusal->reason}), count);
        }
}

static void rates(struct exposition *e, const struct snapshot *s)
{
    exposition_family(
        e, "weir_rate_shared_total", "counter",
        "Requests whose keys shared one bucket, because the table of the route's rate is full.");
    for (size_t i = 0; i < s->route_count; i++)
        if (s->routes[i].kind != NULL)
            exposition_count(e, LABELS({"route", s->routes[i].name}),
                             s->routes[i].requests.numbers[ROUTE_RATE_SHARED]);
}

static void outliers(struct exposition *e, const struct snapshot *s)
{
    exposition_family(
        e, "weir_outliers_total", "counter",
        "Requests slower than the key slow of their route, or than all but one in a thousand of it.");
    for (size_t i = 0; i < s->route_count; i++)
        for (int reason = 0; reason < REQUEST_OUTLIER_DROPPED && s->routes[i].kind != NULL; reason++)
            exposition_count(
                e, LABELS({"route", s->routes[i].name}, {"reason", request_outlier_reasons[reason]}),
                s->routes[i].requests.numbers[ROUTE_OUTLIERS + reason]);
    exposition_family(e, "weir_outliers_dropped_total", "counter",
                      "Of these, requests that were not recorded, because there were too many at once.");
    for (size_t i = 0; i < s->route_count; i++)
        if (s->routes[i].kind != NULL)
            exposition_count(e, LABELS({"route", s->routes[i].name}),
                             s->routes[i].requests.numbers[ROUTE_OUTLIERS + REQUEST_OUTLIER_DROPPED]);
    exposition_family(e, "weir_outliers_unwritten_total", "counter",
                      "Of those recorded, requests that could not be written to the folder of outliers.");
    exposition_count(e, NULL, s->outliers_unwritten);
}

void page_metrics_routes(struct exposition *e, const struct snapshot *s)
{
    requests(e, s);
    sums(e, s);
    refusals(e, s);
    rates(e, s);
    outliers(e, s);
}
