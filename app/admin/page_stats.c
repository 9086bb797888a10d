/* SPDX-License-Identifier: MIT */
#include "admin/page_stats.h"

#include <errno.h>
#include <stdlib.h>

#include "admin/gateway_status.h"

enum { CLIENTS_SHOWN = 10 };

static double ms(weir_duration d)
{
    return (double)d.ns / 1e6;
}

static void quantiles(struct text_out *out, const weir_meter *meter)
{
    static const struct {
        const char *name;
        double share;
    } shares[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};
    const bool measured = weir_meter_count(meter) > 0;
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        text_out_printf(out, "%s\"%s\":", i ? "," : "", shares[i].name);
        text_out_number(out, measured, ms(weir_meter_quantile(meter, shares[i].share)));
    }
}

static void per_second(struct text_out *out, uint64_t count, double seconds)
{
    text_out_add(out, "\"rate\":");
    text_out_number(out, seconds > 0, seconds > 0 ? (double)count / seconds : 0);
}

/* ,"last_10s":{"requests":…,"rate":…,"errors":…,"p50":… */
static void begin_window(struct text_out *out, const char *name, uint64_t requests, uint64_t errors,
                         const struct rolling_window *w)
{
    text_out_printf(out, ",\"%s\":{\"requests\":%llu,", name, (unsigned long long)requests);
    per_second(out, requests, w->seconds);
    text_out_printf(out, ",\"errors\":%llu,", (unsigned long long)errors);
    quantiles(out, &w->meter);
}

/* ,"reasons":{"connect":12,…}: those of which there are any. */
static void counts_by_name(struct text_out *out, const uint64_t *counts, size_t count,
                           const char *(*name)(size_t i))
{
    const char *before = "";

    text_out_add(out, ",\"reasons\":{");
    for (size_t i = 0; i < count; i++) {
        if (counts[i] == 0)
            continue;
        text_out_printf(out, "%s\"%s\":%llu", before, name(i), (unsigned long long)counts[i]);
        before = ",";
    }
    text_out_add(out, "}");
}

static const char *refusal_name(size_t i)
{
    return weir_refusal_at(i)->reason;
}

static const char *origin_error_name(size_t i)
{
    return weir_origin_error_name((enum weir_origin_error)i);
}

static const char *pool_refusal_name(size_t i)
{
    return observed_pool_refusal((enum weir_pool_refusal)i);
}

static const char *unserved_name(size_t i)
{
    return weir_unserved_name((enum weir_unserved)i);
}

/* --- routes --- */

static void route_window(struct observed *o, struct text_out *out, const char *name, size_t i, int seconds)
{
    struct rolling_window w;

    rolling_sum(o->routes[i], &o->clock, weir_now(), seconds, &w);
    begin_window(out, name, weir_meter_count(&w.meter), w.numbers[OBSERVED_ERRORS], &w);
    text_out_printf(
        out, ",\"refused\":%llu,\"partial\":%llu", (unsigned long long)observed_route_refused(w.numbers),
        (unsigned long long)observed_gathers_partial(&o->gathers, metrics_route_name(o->status->metrics, i),
                                                     &o->clock, weir_now(), seconds));
    counts_by_name(out, w.numbers + OBSERVED_REFUSED_FOR, metrics_refusal_count(), refusal_name);
    text_out_add(out, "}");
}

/* By kind, of one request of the last minute. */
static void spent(struct observed *o, struct text_out *out, size_t i)
{
    struct rolling_window w;
    const char *before = "{";

    rolling_sum(o->spent[i].rolling, &o->clock, weir_now(), ROLLING_LONG_S, &w);
    text_out_add(out, ",\"spent_ms\":");
    if (w.numbers[OBSERVED_SAMPLES] == 0) {
        text_out_add(out, "null");
        return;
    }
    for (enum weir_charge_kind kind = 0; kind < WEIR_CHARGE_KINDS; kind++) {
        if (w.numbers[kind] == 0)
            continue;
        text_out_printf(out, "%s\"%s\":%.6g", before, weir_charge_kind_name(kind),
                        observed_spent_ms(&w, kind));
        before = ",";
    }
    text_out_add(out, "}");
}

static void routes(struct observed *o, struct text_out *out)
{
    const struct metrics *metrics = o->status->metrics;

    for (size_t i = 0; i < o->route_count; i++) {
        const char *kind = metrics_route_kind(metrics, i);
        text_out_add(out, i ? ",{\"route\":" : "{\"route\":");
        text_out_json(out, metrics_route_name(metrics, i));
        text_out_add(out, ",\"kind\":");
        if (kind != NULL)
            text_out_json(out, kind);
        else
            text_out_add(out, "null");
        route_window(o, out, "last_10s", i, ROLLING_SHORT_S);
        route_window(o, out, "last_60s", i, ROLLING_LONG_S);
        spent(o, out, i);
        text_out_add(out, "}");
    }
}

/* --- origins --- */

static void origin_window(struct observed *o, struct text_out *out, const char *name,
                          const struct observed_origin *origin, int seconds)
{
    struct rolling_window w;

    rolling_sum(origin->rolling, &o->clock, weir_now(), seconds, &w);
    begin_window(out, name, w.numbers[OBSERVED_REQUESTS], observed_origin_errors(w.numbers), &w);
    counts_by_name(out, w.numbers + OBSERVED_ORIGIN_ERROR, WEIR_ORIGIN_ERRORS, origin_error_name);
    text_out_add(out, "}");
}

/* ,"failing":false,"last_error":{"text":…,"age_s":…} */
static void origin_health(struct text_out *out, const struct observed_origin *origin)
{
    text_out_printf(out, ",\"failing\":%s,\"last_error\":", origin->failing ? "true" : "false");
    if (origin->last_error == NULL) {
        text_out_add(out, "null");
        return;
    }
    text_out_add(out, "{\"text\":");
    text_out_json(out, origin->last_error);
    text_out_printf(out, ",\"age_s\":%.3f}",
                    (double)weir_between(origin->last_error_at, weir_now()).ns / 1e9);
}

/* Those that fail first, then by name. */
static void origins(struct observed *o, struct text_out *out)
{
    const struct observed_origin **sorted = observed_origins_sorted(&o->origins, &o->clock, weir_now());

    if (sorted == NULL) {
        out->err = -ENOMEM;
        return;
    }
    for (size_t i = 0; i < o->origins.count; i++) {
        const struct observed_origin *origin = sorted[i];
        text_out_add(out, i ? ",{\"origin\":" : "{\"origin\":");
        text_out_json(out, origin->name);
        text_out_printf(out, ",\"connections\":%d,\"idle\":%d,\"waiting\":%d", origin->in_use + origin->idle,
                        origin->idle, origin->waiting);
        origin_health(out, origin);
        origin_window(o, out, "last_10s", origin, ROLLING_SHORT_S);
        origin_window(o, out, "last_60s", origin, ROLLING_LONG_S);
        text_out_add(out, "}");
    }
    free(sorted);
}

/* --- loops --- */

static void loop_window(struct text_out *out, const char *name, const struct rolling_window *w)
{
    const bool known = observed_loop_busy(w) >= 0;

    text_out_printf(out, ",\"%s\":{", name);
    quantiles(out, &w->meter);
    text_out_add(out, ",\"busy\":");
    text_out_number(out, known, observed_loop_busy(w));
    text_out_add(out, ",\"off_cpu\":");
    text_out_number(out, known, observed_loop_off_cpu(w));
    text_out_add(out, "}");
}

static void loops(struct observed *o, struct text_out *out)
{
    struct rolling_window w;

    for (size_t i = 0; i < o->loops.count; i++) {
        const struct observed_loop *loop = &o->loops.list[i];
        rolling_sum(loop->lag, &o->clock, weir_now(), ROLLING_SHORT_S, &w);
        text_out_printf(out, "%s{\"loop\":%zu,\"busy\":", i ? "," : "", i);
        text_out_number(out, observed_loop_busy(&w) >= 0, observed_loop_busy(&w));
        text_out_printf(out, ",\"tasks\":%zu,\"ready\":%zu", loop->tasks, loop->ready);
        loop_window(out, "last_10s", &w);
        rolling_sum(loop->lag, &o->clock, weir_now(), ROLLING_LONG_S, &w);
        loop_window(out, "last_60s", &w);
        text_out_add(out, "}");
    }
}

static size_t tasks(const struct observed *o)
{
    size_t count = 0;

    for (size_t i = 0; i < o->loops.count; i++)
        count += o->loops.list[i].tasks;
    return count;
}

/* --- pools --- */

static void pool_window(struct observed *o, struct text_out *out, const char *name,
                        const struct observed_pool *pool, int seconds)
{
    struct rolling_window w;

    rolling_sum(pool->run, &o->clock, weir_now(), seconds, &w);
    text_out_printf(out, ",\"%s\":{", name);
    per_second(out, w.numbers[OBSERVED_RAN], w.seconds);
    text_out_printf(out, ",\"refused\":%llu", (unsigned long long)observed_pool_refused(w.numbers));
    counts_by_name(out, w.numbers + OBSERVED_REFUSED, WEIR_REFUSALS, pool_refusal_name);
    text_out_add(out, ",\"run\":{");
    quantiles(out, &w.meter);
    text_out_add(out, "},\"queue\":{");
    rolling_sum(pool->queue, &o->clock, weir_now(), seconds, &w);
    quantiles(out, &w.meter);
    text_out_add(out, "}}");
}

static void pools(struct observed *o, struct text_out *out)
{
    for (size_t i = 0; i < o->pools.count; i++) {
        const struct observed_pool *pool = &o->pools.list[i];
        const weir_pool_stats *stats = &pool->stats;
        const uint64_t *numbers;
        text_out_add(out, i ? ",{\"pool\":" : "{\"pool\":");
        text_out_json(out, stats->name);
        numbers = rolling_numbers(pool->run);
        text_out_printf(out,
                        ",\"workers\":%d,\"busy\":%d,\"queued\":%d,\"queue_max\":%d,"
                        "\"ran\":%llu,\"dropped\":%llu,\"cancelled\":%llu,\"refused\":%llu",
                        stats->workers_max, stats->running, stats->queued, stats->queue_max,
                        (unsigned long long)numbers[OBSERVED_RAN],
                        (unsigned long long)numbers[OBSERVED_DROPPED],
                        (unsigned long long)numbers[OBSERVED_CANCELLED],
                        (unsigned long long)observed_pool_refused(numbers));
        pool_window(o, out, "last_10s", pool, ROLLING_SHORT_S);
        pool_window(o, out, "last_60s", pool, ROLLING_LONG_S);
        text_out_add(out, "}");
    }
}

/* --- what was refused, and what never became a request --- */

/* Of all routes together. */
static void refused_window(struct observed *o, struct text_out *out, const char *name, int seconds)
{
    uint64_t reasons[METRICS_REFUSALS_MAX] = {0}, requests = 0, refused = 0;
    struct rolling_window w;

    for (size_t i = 0; i < o->route_count; i++) {
        rolling_sum(o->routes[i], &o->clock, weir_now(), seconds, &w);
        requests += weir_meter_count(&w.meter);
        refused += observed_route_refused(w.numbers);
        for (size_t k = 0; k < METRICS_REFUSALS_MAX; k++)
            reasons[k] += w.numbers[OBSERVED_REFUSED_FOR + k];
    }
    text_out_printf(out, "\"%s\":{\"requests\":%llu,\"refused\":%llu", name, (unsigned long long)requests,
                    (unsigned long long)refused);
    counts_by_name(out, reasons, metrics_refusal_count(), refusal_name);
    text_out_add(out, "}");
}

static void unserved_window(struct observed *o, struct text_out *out, const char *name, int seconds)
{
    struct rolling_window w;
    uint64_t count = 0;

    rolling_sum(o->unserved, &o->clock, weir_now(), seconds, &w);
    for (size_t i = 0; i < WEIR_UNSERVED_WAYS; i++)
        count += w.numbers[i];
    text_out_printf(out, ",\"%s\":{\"count\":%llu", name, (unsigned long long)count);
    counts_by_name(out, w.numbers, WEIR_UNSERVED_WAYS, unserved_name);
    text_out_add(out, "}");
}

static void clients(struct observed *o, struct text_out *out)
{
    const weir_instant now = weir_now();
    const char *before = "";

    observed_clients_sort(&o->clients, &o->clock, now);
    for (size_t i = 0; i < o->clients.count && i < CLIENTS_SHOWN; i++) {
        const struct observed_client *client = &o->clients.list[i];
        const uint64_t minute = observed_client_ended(client, &o->clock, now, ROLLING_LONG_S);
        if (client->half_sent <= 0 && minute == 0)
            break;
        text_out_printf(out, "%s{\"address\":", before);
        before = ",";
        text_out_json(out, client->address);
        text_out_printf(out, ",\"half_sent\":%d,\"last_10s\":%llu,\"last_60s\":%llu", client->half_sent,
                        (unsigned long long)observed_client_ended(client, &o->clock, now, ROLLING_SHORT_S),
                        (unsigned long long)minute);
        counts_by_name(out, client->ended, WEIR_UNSERVED_WAYS, unserved_name);
        text_out_add(out, "}");
    }
}

static void unserved(struct observed *o, struct text_out *out)
{
    text_out_add(out, ",\"unserved\":{\"fresh\":");
    text_out_number(out, o->runs, o->server.fresh);
    text_out_add(out, ",\"half_sent\":");
    text_out_number(out, o->runs, o->server.half_sent);
    unserved_window(o, out, "last_10s", ROLLING_SHORT_S);
    unserved_window(o, out, "last_60s", ROLLING_LONG_S);
    text_out_add(out, ",\"clients\":[");
    clients(o, out);
    text_out_add(out, "]}");
}

/* --- the whole --- */

void admin_stats_write(struct observed *o, struct text_out *out)
{
    observed_look(o);
    text_out_printf(out, "{\"version\":\"" WEIR_VERSION_TEXT "\",\"uptime_s\":%.3f,\"draining\":%s",
                    (double)weir_between(o->started, weir_now()).ns / 1e9,
                    atomic_load(&o->status->draining) ? "true" : "false");
    text_out_add(out, ",\"connections\":");
    text_out_number(out, o->runs, o->server.connections);
    text_out_add(out, ",\"exchanges\":");
    text_out_number(out, o->runs, o->server.exchanges);
    text_out_add(out, ",\"tasks\":");
    text_out_number(out, o->runs, (double)tasks(o));
    text_out_add(out, ",\"refused\":{");
    refused_window(o, out, "last_10s", ROLLING_SHORT_S);
    text_out_add(out, ",");
    refused_window(o, out, "last_60s", ROLLING_LONG_S);
    text_out_add(out, "}");
    unserved(o, out);
    text_out_add(out, ",\"routes\":[");
    routes(o, out);
    text_out_add(out, "],\"origins\":[");
    origins(o, out);
    text_out_add(out, "],\"loops\":[");
    loops(o, out);
    text_out_add(out, "],\"pools\":[");
    pools(o, out);
    text_out_add(out, "]}\n");
}
