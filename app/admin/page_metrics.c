/* SPDX-License-Identifier: MIT */
#include "admin/page_metrics.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <weir/log.h>

#include "admin/page_guard.h"
#include "admin/page_stalls.h"
#include "metrics/exposition.h"
#include "metrics/gather_counts.h"
#include "admin/gateway_status.h"
#include "metrics/process_stats.h"

#define LABELS(...) ((const struct label[]){__VA_ARGS__, {NULL, NULL}})

/* --- the gateway --- */

/* Connections on which no request came. */
static void unserved(struct exposition *e, const weir_server_stats *server)
{
    exposition_family(e, "weir_connections_without_request", "gauge",
                      "Connections that are open and have sent nothing yet, or a part of a request's head.");
    exposition_count(e, LABELS({"sent", "nothing"}), (uint64_t)server->fresh);
    exposition_count(e, LABELS({"sent", "half_head"}), (uint64_t)server->half_sent);
    exposition_family(e, "weir_connections_unserved_total", "counter",
                      "Connections that ended without a whole request, or in the middle of a further one.");
    for (int way = 0; way < WEIR_UNSERVED_WAYS; way++)
        exposition_count(e, LABELS({"reason", weir_unserved_name((enum weir_unserved)way)}),
                         server->unserved[way]);
}

static void gateway(struct exposition *e, const struct observed *o)
{
    exposition_family(e, "weir_build_info", "info", "Always 1; says what is running.");
    exposition_count(e, LABELS({"version", WEIR_VERSION_TEXT}), 1);
    exposition_family(e, "weir_ready", "gauge",
                      "Whether requests are accepted: 0 while starting and draining.");
    exposition_count(e, NULL, atomic_load(&o->status->ready));
    exposition_family(e, "weir_log_dropped_total", "counter",
                      "Lines of the log that were dropped, because its reader is too slow or gone.");
    exposition_count(e, NULL, weir_log_dropped());
    if (!o->runs)
        return;
    exposition_family(e, "weir_connections", "gauge", "Connections of clients that are open.");
    exposition_count(e, NULL, (uint64_t)o->server.connections);
    exposition_family(e, "weir_connections_accepted_total", "counter", "Connections that were accepted.");
    exposition_count(e, NULL, o->server.accepted);
    exposition_family(
        e, "weir_connections_turned_away_total", "counter",
        "Connections ended with 503, or without a word, because there was no memory for a request.");
    exposition_count(e, NULL, o->server.turned_away);
    exposition_family(e, "weir_exchanges", "gauge", "Requests that are being answered.");
    exposition_count(e, NULL, (uint64_t)o->server.exchanges);
    unserved(e, &o->server);
}

/* --- routes --- */

static void outcomes(struct exposition *e, const char *name, const struct metrics_outcomes *outcomes)
{
    for (size_t i = 0; i < outcomes->count; i++) {
        const struct metrics_outcome *outcome = &outcomes->list[i];
        char status[12] = "other";
        if (outcome->status)
            snprintf(status, sizeof status, "%d", outcome->status);
        exposition_count(
            e, LABELS({"route", name}, {"method", metrics_methods[outcome->method]}, {"status", status}),
            outcome->count);
    }
}

static void routes(struct exposition *e, const struct observed *o)
{
    const struct metrics *metrics = o->status->metrics;
    struct metrics_outcomes met;

    exposition_family(
        e, "weir_requests_total", "counter",
        "Requests that have ended, by what was answered; 499: the client left before there was an answer.");
    for (size_t i = 0; i < o->route_count; i++) {
        metrics_read_outcomes(metrics, i, &met);
        metrics_add_expected(metrics, i, &met);
        outcomes(e, metrics_route_name(metrics, i), &met);
    }
}

static void latencies(struct exposition *e, const struct observed *o)
{
    const struct metrics *metrics = o->status->metrics;
    struct exemplar exemplars[BUCKETS];

    exposition_family(e, "weir_request_seconds", "histogram",
                      "From the first byte of a request to the last of its answer.");
    for (size_t i = 0; i < o->route_count; i++) {
        for (unsigned bucket = 0; bucket < BUCKETS; bucket++)
            if (!metrics_read_exemplar(metrics, i, bucket, &exemplars[bucket]))
                exemplars[bucket].at_ms = 0;
        exposition_meter(e, LABELS({"route", metrics_route_name(metrics, i)}), rolling_meter(o->routes[i]),
                         exemplars);
    }
}

/* One family of a number that each route has. */
static void route_numbers(struct exposition *e, const struct observed *o, enum observed_route_number number)
{
    for (size_t i = 0; i < o->route_count; i++)
        exposition_count(e, LABELS({"route", metrics_route_name(o->status->metrics, i)}),
                         rolling_numbers(o->routes[i])[number]);
}

static void route_sums(struct exposition *e, const struct observed *o)
{
    exposition_family(e, "weir_request_bytes_total", "counter", "Bytes of the bodies of requests.");
    route_numbers(e, o, OBSERVED_REQUEST_BYTES);
    exposition_family(e, "weir_reply_bytes_total", "counter", "Bytes of the bodies of answers.");
    route_numbers(e, o, OBSERVED_REPLY_BYTES);
    exposition_family(e, "weir_request_errors_total", "counter", "Requests that were answered 500 or above.");
    route_numbers(e, o, OBSERVED_ERRORS);
    exposition_family(e, "weir_requests_cut_total", "counter", "Answers that began and broke off.");
    route_numbers(e, o, OBSERVED_CUT);
}

/* A route meets some reasons, and what no route took the others. */
static bool can_be_refused(bool is_route, const weir_refusal *refusal)
{
    return is_route ? refusal->kind != WEIR_REFUSAL_FAULT || strcmp(refusal->reason, "too_large") == 0
                    : strncmp(refusal->reason, "pool_", strlen("pool_")) != 0;
}

static void refusals(struct exposition *e, const struct observed *o)
{
    const struct metrics *metrics = o->status->metrics;

    exposition_family(
        e, "weir_refused_total", "counter",
        "Requests that were refused: by the server itself, or because a pool did not take their job.");
    for (size_t i = 0; i < o->route_count; i++)
        for (size_t k = 0; k < metrics_refusal_count(); k++) {
            const weir_refusal *refusal = weir_refusal_at(k);
            const uint64_t count = rolling_numbers(o->routes[i])[OBSERVED_REFUSED_FOR + k];
            if (count > 0 || can_be_refused(metrics_route_kind(metrics, i) != NULL, refusal))
                exposition_count(
                    e, LABELS({"route", metrics_route_name(metrics, i)}, {"reason", refusal->reason}), count);
        }
}

/* --- gathers --- */

static void gather_calls(struct exposition *e, const struct gather_counts *counts)
{
    struct gather_call_total call;

    exposition_family(e, "weir_gather_calls_total", "counter",
                      "Calls of gathers, by how they ended; status: answered with 500 or above.");
    for (size_t i = 0; i < gather_counts_calls(counts); i++) {
        gather_counts_read_call(counts, i, &call);
        for (int end = 0; end < GATHER_ENDS; end++)
            exposition_count(e,
                             LABELS({"route", call.route}, {"call", call.call},
                                    {"outcome", gather_end_label((enum gather_end)end)}),
                             call.ends[end]);
    }
}

static void gathers(struct exposition *e, const struct observed *o)
{
    const struct gather_counts *counts = o->status->gathers;
    struct gather_route_total route;

    gather_calls(e, counts);
    exposition_family(e, "weir_gather_partial_total", "counter",
                      "Answers of gathers in which a call failed, those with 502 and 504 too.");
    for (size_t i = 0; i < gather_counts_routes(counts); i++) {
        gather_counts_read_route(counts, i, &route);
        exposition_count(e, LABELS({"route", route.route}), route.partial);
    }
}

/* --- origins --- */

static void origin_errors(struct exposition *e, const struct observed *o)
{
    exposition_family(e, "weir_origin_errors_total", "counter",
                      "Requests to an origin that got no answer, or one of 500 and above.");
    for (size_t i = 0; i < o->origins.count; i++)
        for (int error = 0; error < WEIR_ORIGIN_ERRORS; error++)
            exposition_count(e,
                             LABELS({"origin", o->origins.list[i]->name},
                                    {"reason", weir_origin_error_name((enum weir_origin_error)error)}),
                             rolling_numbers(o->origins.list[i]->rolling)[OBSERVED_ORIGIN_ERROR + error]);
}

static void origin_numbers(struct exposition *e, const struct observed *o, enum observed_origin_number number)
{
    for (size_t i = 0; i < o->origins.count; i++)
        exposition_count(e, LABELS({"origin", o->origins.list[i]->name}),
                         rolling_numbers(o->origins.list[i]->rolling)[number]);
}

static void origin_connections(struct exposition *e, const struct observed *o)
{
    exposition_family(e, "weir_origin_connections", "gauge",
                      "Connections to an origin: in use (or being made), and idle.");
    for (size_t i = 0; i < o->origins.count; i++) {
        const struct observed_origin *origin = o->origins.list[i];
        exposition_count(e, LABELS({"origin", origin->name}, {"state", "in_use"}), (uint64_t)origin->in_use);
        exposition_count(e, LABELS({"origin", origin->name}, {"state", "idle"}), (uint64_t)origin->idle);
    }
    exposition_family(e, "weir_origin_waiting", "gauge", "Requests that wait for a connection to an origin.");
    for (size_t i = 0; i < o->origins.count; i++)
        exposition_count(e, LABELS({"origin", o->origins.list[i]->name}),
                         (uint64_t)o->origins.list[i]->waiting);
}

static void origin_health(struct exposition *e, const struct observed *o)
{
    exposition_family(e, "weir_origin_failing", "gauge", "Whether an origin fails, as the log has said.");
    for (size_t i = 0; i < o->origins.count; i++)
        exposition_count(e, LABELS({"origin", o->origins.list[i]->name}), o->origins.list[i]->failing);
}

static void origins(struct exposition *e, const struct observed *o)
{
    exposition_family(e, "weir_origin_requests_total", "counter", "Requests to an origin.");
    origin_numbers(e, o, OBSERVED_REQUESTS);
    origin_errors(e, o);
    exposition_family(e, "weir_origin_reused_total", "counter",
                      "Requests that went over a connection kept from before.");
    origin_numbers(e, o, OBSERVED_REUSED);
    exposition_family(e, "weir_origin_connected_total", "counter", "Connections made to an origin.");
    origin_numbers(e, o, OBSERVED_CONNECTED);
    origin_connections(e, o);
    origin_health(e, o);
    exposition_family(
        e, "weir_origin_seconds", "histogram",
        "From asking an origin, waiting for a connection included, to the end of its answer or the failure.");
    for (size_t i = 0; i < o->origins.count; i++)
        exposition_meter(e, LABELS({"origin", o->origins.list[i]->name}),
                         rolling_meter(o->origins.list[i]->rolling), NULL);
}

/* --- loops --- */

struct loop_label {
    char text[24];
};

static struct loop_label loop_label(size_t i)
{
    struct loop_label label;

    snprintf(label.text, sizeof label.text, "%zu", i);
    return label;
}

static void loop_load(struct exposition *e, const struct observed *o)
{
    struct rolling_window w;

    exposition_family(e, "weir_loop_busy_ratio", "gauge",
                      "How much of the last ten seconds a loop was not idle.");
    for (size_t i = 0; i < o->loops.count; i++) {
        rolling_sum(o->loops.list[i].lag, &o->clock, weir_now(), ROLLING_SHORT_S, &w);
        if (observed_loop_busy(&w) >= 0)
            exposition_value(e, LABELS({"loop", loop_label(i).text}), observed_loop_busy(&w));
    }
    exposition_family(e, "weir_loop_busy_seconds_total", "counter", "How long a loop was not idle.");
    for (size_t i = 0; i < o->loops.count; i++)
        exposition_value(e, LABELS({"loop", loop_label(i).text}), (double)o->loops.list[i].busy_ns / 1e9);
    exposition_family(e, "weir_loop_off_cpu_seconds_total", "counter",
                      "For how much of that time its thread had no CPU.");
    for (size_t i = 0; i < o->loops.count; i++)
        exposition_value(e, LABELS({"loop", loop_label(i).text}), (double)o->loops.list[i].off_cpu_ns / 1e9);
}

static void loops(struct exposition *e, const struct observed *o)
{
    loop_load(e, o);
    exposition_family(e, "weir_loop_lag_seconds", "histogram",
                      "How long what became ready waited until its loop looked; taken each millisecond.");
    for (size_t i = 0; i < o->loops.count; i++)
        exposition_meter(e, LABELS({"loop", loop_label(i).text}), rolling_meter(o->loops.list[i].lag), NULL);
    exposition_family(e, "weir_loop_ready", "gauge", "Tasks that are ready to run.");
    for (size_t i = 0; i < o->loops.count; i++)
        exposition_count(e, LABELS({"loop", loop_label(i).text}), o->loops.list[i].ready);
    exposition_family(e, "weir_tasks", "gauge", "Tasks that there are.");
    for (size_t i = 0; i < o->loops.count; i++)
        exposition_count(e, LABELS({"loop", loop_label(i).text}), o->loops.list[i].tasks);
    exposition_family(e, "weir_tasks_started_total", "counter", "Tasks that were started.");
    for (size_t i = 0; i < o->loops.count; i++)
        exposition_count(e, LABELS({"loop", loop_label(i).text}), o->loops.list[i].started);
}

/* --- pools --- */

/* at: of an int in weir_pool_stats. */
static void pool_gauge(struct exposition *e, const struct observed_pools *pools, size_t at)
{
    for (size_t i = 0; i < pools->count; i++) {
        const weir_pool_stats *stats = &pools->list[i].stats;
        exposition_count(e, LABELS({"pool", stats->name}),
                         (uint64_t) * (const int *)((const char *)stats + at));
    }
}

static void pool_gauges(struct exposition *e, const struct observed_pools *pools)
{
    exposition_family(e, "weir_pool_workers", "gauge", "Threads a pool may have.");
    pool_gauge(e, pools, offsetof(weir_pool_stats, workers_max));
    exposition_family(e, "weir_pool_busy", "gauge", "Jobs that run.");
    pool_gauge(e, pools, offsetof(weir_pool_stats, running));
    exposition_family(e, "weir_pool_queued", "gauge", "Jobs that wait to be run.");
    pool_gauge(e, pools, offsetof(weir_pool_stats, queued));
    exposition_family(e, "weir_pool_queue_max", "gauge", "Jobs that may wait.");
    pool_gauge(e, pools, offsetof(weir_pool_stats, queue_max));
}

static void pool_times(struct exposition *e, const struct observed_pools *pools)
{
    exposition_family(e, "weir_pool_queue_seconds", "histogram", "How long jobs that ran had waited.");
    for (size_t i = 0; i < pools->count; i++)
        exposition_meter(e, LABELS({"pool", pools->list[i].stats.name}), rolling_meter(pools->list[i].queue),
                         NULL);
    exposition_family(e, "weir_pool_run_seconds", "histogram", "How long jobs ran.");
    for (size_t i = 0; i < pools->count; i++)
        exposition_meter(e, LABELS({"pool", pools->list[i].stats.name}), rolling_meter(pools->list[i].run),
                         NULL);
}

static void pool_jobs(struct exposition *e, const struct observed_pools *pools)
{
    exposition_family(
        e, "weir_pool_jobs_total", "counter",
        "Jobs a pool took: that ran, that waited too long and were dropped, that nobody wanted any more.");
    for (size_t i = 0; i < pools->count; i++) {
        const weir_pool_stats *stats = &pools->list[i].stats;
        exposition_count(e, LABELS({"pool", stats->name}, {"outcome", "ran"}), stats->ran);
        exposition_count(e, LABELS({"pool", stats->name}, {"outcome", "dropped"}), stats->dropped);
        exposition_count(e, LABELS({"pool", stats->name}, {"outcome", "cancelled"}), stats->cancelled);
    }
    exposition_family(e, "weir_pool_refused_total", "counter", "Jobs a pool did not take.");
    for (size_t i = 0; i < pools->count; i++)
        for (int refusal = 0; refusal < WEIR_REFUSALS; refusal++)
            exposition_count(e,
                             LABELS({"pool", pools->list[i].stats.name},
                                    {"reason", observed_pool_refusal((enum weir_pool_refusal)refusal)}),
                             pools->list[i].stats.refused[refusal]);
}

static void pools(struct exposition *e, const struct observed *o)
{
    pool_gauges(e, &o->pools);
    pool_times(e, &o->pools);
    pool_jobs(e, &o->pools);
}

/* --- the process, by the names that are usual --- */

static void process_stat(struct exposition *e, const struct process_stats *p)
{
    exposition_family(e, "process_cpu_seconds_total", "counter", "Time of all threads on a CPU.");
    exposition_value(e, NULL, p->cpu_seconds);
    exposition_family(e, "process_start_time_seconds", "gauge", "When the process began, since 1970.");
    exposition_value(e, NULL, p->started);
    exposition_family(e, "process_virtual_memory_bytes", "gauge", "Addresses in use.");
    exposition_count(e, NULL, p->virtual_bytes);
    exposition_family(e, "process_resident_memory_bytes", "gauge", "Memory in use.");
    exposition_count(e, NULL, p->resident_bytes);
    exposition_family(e, "process_threads", "gauge", "Threads of the process.");
    exposition_count(e, NULL, p->threads);
}

static void process(struct exposition *e)
{
    struct process_stats p;

    process_stats_read(&p);
    if (p.has_stat)
        process_stat(e, &p);
    if (p.open_fds >= 0) {
        exposition_family(e, "process_open_fds", "gauge", "Open descriptors.");
        exposition_count(e, NULL, (uint64_t)p.open_fds);
    }
    if (p.max_fds >= 0) {
        exposition_family(e, "process_max_fds", "gauge", "Descriptors that may be open.");
        exposition_count(e, NULL, (uint64_t)p.max_fds);
    }
}

/* --- the whole --- */

static void write_all(struct observed *o, struct text_out *out, bool openmetrics)
{
    struct exposition e = {.out = out, .openmetrics = openmetrics};

    observed_look(o);
    gateway(&e, o);
    routes(&e, o);
    latencies(&e, o);
    route_sums(&e, o);
    refusals(&e, o);
    gathers(&e, o);
    origins(&e, o);
    loops(&e, o);
    pools(&e, o);
    admin_stalls_metrics(&e, o);
    admin_guard_metrics(&e);
    process(&e);
    exposition_end(&e);
}

void admin_metrics_write(struct observed *o, struct text_out *out)
{
    write_all(o, out, false);
}

void admin_metrics_write_openmetrics(struct observed *o, struct text_out *out)
{
    write_all(o, out, true);
}
