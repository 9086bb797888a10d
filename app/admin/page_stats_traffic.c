/* SPDX-License-Identifier: MIT */
#include "admin/page_stats_parts.h"

/* ,"last_10s":{"requests":…,"rate":…,"errors":…,"p50":… and so on: all but the end. */
static void begin_window(struct text_out *out, const struct series *series, enum series_span span,
                         uint64_t requests, uint64_t errors)
{
    const struct series_window *w = &series->last[span];

    text_out_printf(out, ",\"%s\":{\"requests\":%llu,", page_stats_span(span), (unsigned long long)requests);
    page_stats_rate(out, requests, w);
    text_out_printf(out, ",\"errors\":%llu,", (unsigned long long)errors);
    page_stats_quantiles(out, w);
}

/* --- routes --- */

static void route_window(struct text_out *out, const struct snapshot_route *route, enum series_span span)
{
    const struct series_window *w = &route->requests.last[span];
    const uint64_t partial = route->partial != NULL ? route->partial->last[span].numbers[0] : 0;

    begin_window(out, &route->requests, span, w->count, w->numbers[ROUTE_ERRORS]);
    text_out_printf(out, ",\"refused\":%llu,\"partial\":%llu",
                    (unsigned long long)snapshot_route_refused(w->numbers), (unsigned long long)partial);
    page_stats_reasons(out, w->numbers + ROUTE_REFUSED, request_refusal_count(), page_stats_refusal_name);
    text_out_add(out, "}");
}

/* Milliseconds by charge, of one request of the last minute. */
static void breakdown(struct text_out *out, const struct series_window *w)
{
    const char *before = "{";

    text_out_add(out, ",\"spent_ms\":");
    if (w->numbers[BREAKDOWN_COUNT] == 0) {
        text_out_add(out, "null");
        return;
    }
    for (enum weir_charge_category charge = 0; charge < WEIR_CHARGE_CATEGORIES; charge++) {
        if (w->numbers[charge] == 0)
            continue;
        text_out_printf(out, "%s\"%s\":%.6g", before, weir_charge_category_name(charge),
                        snapshot_breakdown_ms(w, charge));
        before = ",";
    }
    text_out_add(out, "}");
}

void page_stats_routes(struct text_out *out, const struct snapshot *s)
{
    for (size_t i = 0; i < s->route_count; i++) {
        const struct snapshot_route *route = &s->routes[i];
        text_out_add(out, i > 0 ? ",{\"route\":" : "{\"route\":");
        text_out_json(out, route->name);
        text_out_add(out, ",\"kind\":");
        text_out_json_or_null(out, route->kind);
        route_window(out, route, LAST_10S);
        route_window(out, route, LAST_60S);
        breakdown(out, &route->breakdown.last[LAST_60S]);
        text_out_add(out, "}");
    }
}

/* --- origins --- */

static const char *error_name(size_t i)
{
    return weir_origin_error_name((enum weir_origin_error)i);
}

static void origin_window(struct text_out *out, const struct snapshot_origin *origin, enum series_span span)
{
    const uint64_t *numbers = origin->requests.last[span].numbers;

    begin_window(out, &origin->requests, span, numbers[ORIGIN_REQUESTS], snapshot_origin_errors(numbers));
    page_stats_reasons(out, numbers + ORIGIN_ERROR, WEIR_ORIGIN_ERRORS, error_name);
    text_out_add(out, "}");
}

/* ,"failing":false,"last_error":{"text":…,"age_s":…} */
static void health(struct text_out *out, const struct snapshot_origin *origin, weir_instant now)
{
    text_out_printf(out, ",\"failing\":%s,\"last_error\":", origin->failing ? "true" : "false");
    page_stats_last_error(out, origin->last_error, origin->last_error_at, now);
}

void page_stats_origins(struct text_out *out, const struct snapshot *s)
{
    for (size_t i = 0; i < s->origin_count; i++) {
        const struct snapshot_origin *origin = s->failing_first[i];
        text_out_add(out, i > 0 ? ",{\"origin\":" : "{\"origin\":");
        text_out_json(out, origin->name);
        text_out_printf(out, ",\"connections\":%d,\"idle\":%d,\"waiting\":%d", origin->in_use + origin->idle,
                        origin->idle, origin->waiting);
        health(out, origin, s->at);
        origin_window(out, origin, LAST_10S);
        origin_window(out, origin, LAST_60S);
        text_out_add(out, "}");
    }
}
