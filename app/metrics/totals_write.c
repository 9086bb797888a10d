/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "metrics/snapshot.h"
#include "metrics/totals.h"

enum { LABEL_BYTES = 32 };

/* --- the process --- */

static void add_gateway(struct totals_writer *w, const struct snapshot *s)
{
    const struct process_stats *p = &s->process;
    struct totals_row row = {
        .part = TOTALS_GATEWAY,
        .numbers = {[GATEWAY_LOG_DROPPED] = s->log_dropped,
                    [GATEWAY_ACCESS_LOG_DROPPED] = s->access_log_dropped,
                    [GATEWAY_ACCEPTED] = s->server.accepted,
                    [GATEWAY_TURNED_AWAY] = s->server.turned_away,
                    [GATEWAY_OUTLIERS_UNWRITTEN] = s->outliers_unwritten,
                    [GATEWAY_CPU_US] = s->host.series.numbers[HOST_OWN]},
        .values = {[GATEWAY_READY] = s->ready,
                   [GATEWAY_DRAINING] = s->draining,
                   [GATEWAY_RUNS] = s->runs,
                   [GATEWAY_CONNECTIONS] = s->server.connections,
                   [GATEWAY_EXCHANGES] = s->server.exchanges,
                   [GATEWAY_FRESH] = s->server.fresh,
                   [GATEWAY_HALF_SENT] = s->server.half_sent,
                   [GATEWAY_STALLS_ERR] = s->stalls_err,
                   [GATEWAY_HAS_STAT] = p->has_stat,
                   [GATEWAY_VIRTUAL_BYTES] = (int64_t)p->virtual_bytes,
                   [GATEWAY_RESIDENT_BYTES] = (int64_t)p->resident_bytes,
                   [GATEWAY_THREADS] = (int64_t)p->threads,
                   [GATEWAY_OPEN_FDS] = p->open_fds,
                   [GATEWAY_MAX_FDS] = p->max_fds},
    };

    memcpy(row.numbers + GATEWAY_UNSERVED, s->server.unserved, sizeof s->server.unserved);
    totals_add(w, &row, NULL);
}

static void add_clients(struct totals_writer *w, const struct snapshot *s)
{
    for (size_t i = 0; i < s->client_count; i++) {
        const struct snapshot_client *client = &s->clients[i];
        struct totals_row row = {
            .part = TOTALS_CLIENT, .keys = {client->address}, .values = {client->half_sent}};
        memcpy(row.numbers, client->ended, sizeof client->ended);
        totals_add(w, &row, NULL);
    }
}

static void add_loops(struct totals_writer *w, const struct snapshot *s)
{
    for (size_t i = 0; i < s->loop_count; i++) {
        const struct snapshot_loop *loop = &s->loops[i];
        char number[LABEL_BYTES];
        struct totals_row row = {
            .part = TOTALS_LOOP,
            .keys = {number},
            .numbers = {[LOOP_UP] = (uint64_t)loop->up.ns,
                        [LOOP_BUSY] = loop->busy_ns,
                        [LOOP_OFF_CPU] = loop->off_cpu_ns,
                        [LOOP_NUMBER_STARTED] = loop->started},
            .values = {[LOOP_VALUE_TASKS] = (int64_t)loop->tasks, [LOOP_VALUE_READY] = (int64_t)loop->ready},
        };
        snprintf(number, sizeof number, "%zu", i);
        totals_add(w, &row, loop->lag.meter);
    }
}

static void add_pools(struct totals_writer *w, const struct snapshot *s)
{
    for (size_t i = 0; i < s->pool_count; i++) {
        const struct snapshot_pool *pool = &s->pools[i];
        struct totals_row row = {
            .part = TOTALS_POOL,
            .keys = {pool->stats.name},
            .values = {[POOL_VALUE_CLASS] = pool->stats.work,
                       [POOL_VALUE_WORKERS] = pool->stats.workers,
                       [POOL_VALUE_WORKERS_MAX] = pool->stats.workers_max,
                       [POOL_VALUE_QUEUE_MAX] = pool->stats.queue_max,
                       [POOL_VALUE_QUEUED] = pool->stats.queued,
                       [POOL_VALUE_RUNNING] = pool->stats.running},
        };
        memcpy(row.numbers, pool->run.numbers, POOL_NUMBERS * sizeof *row.numbers);
        totals_add(w, &row, pool->run.meter);
        row = (struct totals_row){.part = TOTALS_POOL_QUEUE, .keys = {pool->stats.name}};
        totals_add(w, &row, pool->queue.meter);
    }
}

/* --- routes --- */

static void add_outcomes(struct totals_writer *w, const struct snapshot_route *route)
{
    for (size_t i = 0; i < route->outcomes.count; i++) {
        const struct request_outcome *outcome = &route->outcomes.list[i];
        char label[LABEL_BYTES];
        struct totals_row row = {.part = TOTALS_OUTCOME,
                                 .keys = {route->name, label},
                                 .numbers = {outcome->count},
                                 .values = {outcome->method, outcome->status}};
        snprintf(label, sizeof label, "%d %d", outcome->method, outcome->status);
        if (outcome->count > 0) /* the reader knows those that are expected */
            totals_add(w, &row, NULL);
    }
}

static void add_exemplars(struct totals_writer *w, const struct snapshot_route *route)
{
    struct totals_row row = {.part = TOTALS_EXEMPLARS, .keys = {route->name}};
    bool any = false;

    for (size_t i = 0; i < BUCKETS; i++) {
        const struct exemplar *exemplar = &route->exemplars[i];
        int64_t *values = row.values + i * EXEMPLAR_VALUES;
        if (exemplar->at_ms == 0)
            continue;
        any = true;
        values[EXEMPLAR_HIGH] = (int64_t)exemplar->trace.id_high;
        values[EXEMPLAR_LOW] = (int64_t)exemplar->trace.id_low;
        values[EXEMPLAR_TOOK_NS] = exemplar->took.ns;
        values[EXEMPLAR_AT_MS] = (int64_t)exemplar->at_ms;
    }
    if (any)
        totals_add(w, &row, NULL);
}

void totals_add_route(struct totals_writer *w, const struct snapshot_route *route)
{
    struct totals_row row = {.part = TOTALS_ROUTE,
                             .keys = {route->name},
                             .values = {(int64_t)(route->slowest_ms * 1e6)},
                             .texts = {route->kind, route->slowest, route->holder}};

    memcpy(row.numbers, route->requests.numbers, ROUTE_NUMBERS * sizeof *row.numbers);
    totals_add(w, &row, route->requests.meter);
    row = (struct totals_row){.part = TOTALS_BREAKDOWN, .keys = {route->name}};
    memcpy(row.numbers, route->breakdown.numbers, BREAKDOWN_NUMBERS * sizeof *row.numbers);
    totals_add(w, &row, route->breakdown.meter);
    add_outcomes(w, route);
    add_exemplars(w, route);
}

static void add_gathers(struct totals_writer *w, const struct snapshot *s)
{
    for (size_t i = 0; i < s->gather_count; i++) {
        const struct totals_row row = {.part = TOTALS_GATHER,
                                       .keys = {s->gathers[i].route},
                                       .numbers = {s->gathers[i].partial.numbers[0]}};
        totals_add(w, &row, NULL);
    }
    for (size_t i = 0; i < s->gather_call_count; i++) {
        const struct gather_call_total *call = &s->gather_calls[i];
        struct totals_row row = {.part = TOTALS_CALL, .keys = {call->route, call->call}};
        if (call->route == NULL)
            continue; /* it has not been read yet */
        memcpy(row.numbers, call->ends, sizeof call->ends);
        totals_add(w, &row, NULL);
    }
}

/* --- what stands behind --- */

static void add_attempts(struct totals_writer *w, const char *name, const struct snapshot_attempts *a)
{
    struct totals_row row = {
        .part = TOTALS_ATTEMPTS,
        .common = a->shared_id,
        .keys = {name},
        .values = {[ATTEMPTS_VALUE_HEDGE_AFTER_NS] = a->hedge_after.ns,
                   [ATTEMPTS_VALUE_BUDGET_THOUSANDTHS] = (int64_t)(a->budget * 1e3)},
    };

    memcpy(row.numbers, a->ended.numbers, ATTEMPTS_NUMBERS * sizeof *row.numbers);
    totals_add(w, &row, NULL);
}

static void add_apps(struct totals_writer *w, const struct snapshot *s)
{
    char label[SNAPSHOT_APP_LABEL_BYTES];

    for (size_t i = 0; i < s->app_count; i++) {
        const struct snapshot_app *app = &s->apps[i];
        struct totals_row row = {
            .part = TOTALS_APP,
            .keys = {app->name},
            .values = {[APP_VALUE_IN_FLIGHT] = app->in_flight, [APP_VALUE_WAITING] = app->waiting},
        };
        memcpy(row.numbers, app->served.numbers, APP_NUMBERS * sizeof *row.numbers);
        totals_add(w, &row, app->served.meter);
        row = (struct totals_row){.part = TOTALS_APP_WAIT, .keys = {app->name}};
        totals_add(w, &row, app->waited.meter);
        if (snapshot_attempts_counted(&app->attempts))
            add_attempts(w, snapshot_app_label(app->name, label), &app->attempts);
    }
}

static void add_origins(struct totals_writer *w, const struct snapshot *s)
{
    for (size_t i = 0; i < s->origin_count; i++) {
        const struct snapshot_origin *origin = s->origins[i];
        struct totals_row row = {
            .part = TOTALS_ORIGIN,
            .keys = {origin->name},
            .values = {[ORIGIN_VALUE_FAILING] = origin->failing,
                       [ORIGIN_VALUE_IN_USE] = origin->in_use,
                       [ORIGIN_VALUE_IDLE] = origin->idle,
                       [ORIGIN_VALUE_WAITING] = origin->waiting,
                       [ORIGIN_VALUE_LAST_ERROR_NS] = origin->last_error_at.ns},
            .texts = {origin->last_error},
        };
        memcpy(row.numbers, origin->requests.numbers, ORIGIN_NUMBERS * sizeof *row.numbers);
        totals_add(w, &row, origin->requests.meter);
    }
}

static void add_instances(struct totals_writer *w, const struct snapshot_backend *b)
{
    for (size_t i = 0; i < b->instance_count; i++) {
        const struct snapshot_instance *instance = &b->instances[i];
        struct totals_row row = {
            .part = TOTALS_INSTANCE,
            .common = b->shared_id,
            .keys = {b->options->name, instance->address},
            .values = {[INSTANCE_VALUE_STATE] = instance->state,
                       [INSTANCE_VALUE_SINCE_NS] = instance->since.ns,
                       [INSTANCE_VALUE_IN_USE] = instance->in_use,
                       [INSTANCE_VALUE_LAST_ERROR_NS] = instance->last_error_at.ns},
            .texts =
                {[INSTANCE_LAST_ERROR] = instance->last_error, [INSTANCE_LAST_CHECK] = instance->last_check},
        };
        memcpy(row.numbers, instance->requests.numbers, INSTANCE_NUMBERS * sizeof *row.numbers);
        totals_add(w, &row, NULL);
    }
}

static void add_backends(struct totals_writer *w, const struct snapshot *s)
{
    for (size_t i = 0; i < s->backend_count; i++) {
        const struct snapshot_backend *b = &s->backends[i];
        struct totals_row row = {
            .part = TOTALS_BACKEND,
            .common = b->shared_id,
            .keys = {b->options->name},
            .values = {[BACKEND_VALUE_IN_USE] = b->in_use,
                       [BACKEND_VALUE_WAITING] = b->waiting,
                       [BACKEND_VALUE_CONNECTIONS] = b->connections,
                       [BACKEND_VALUE_OPEN] = b->open,
                       [BACKEND_VALUE_PANICS] = b->panics,
                       [BACKEND_VALUE_OPEN_SINCE_NS] = b->open_since.ns,
                       [BACKEND_VALUE_LIMIT] = b->limit},
        };
        memcpy(row.numbers, b->requests.numbers, BACKEND_NUMBERS * sizeof *row.numbers);
        totals_add(w, &row, NULL);
        add_attempts(w, b->options->name, &b->attempts);
        add_instances(w, b);
    }
}

static void add_certificates(struct totals_writer *w, const struct snapshot_tls *tls, const char *side)
{
    for (size_t i = 0; i < tls->certificate_count; i++) {
        const struct snapshot_certificate *c = &tls->certificates[i];
        const struct totals_row row = {
            .part = TOTALS_CERTIFICATE,
            .keys = {side, tls->name, c->cert},
            .values =
                {[CERTIFICATE_NOT_BEFORE_S] = c->not_before_s, [CERTIFICATE_NOT_AFTER_S] = c->not_after_s},
            .texts = {[CERTIFICATE_NAMES] = c->names,
                      [CERTIFICATE_KEY] = c->key,
                      [CERTIFICATE_FAILED] = c->failed},
        };
        totals_add(w, &row, NULL);
    }
}

static void add_tls(struct totals_writer *w, const struct snapshot *s)
{
    for (size_t i = 0; i < s->tls_count; i++) {
        const struct snapshot_tls *tls = &s->tls[i];
        const char *side = snapshot_tls_side_name(tls->side);
        struct totals_row row = {.part = TOTALS_TLS, .keys = {side, tls->name}, .values = {tls->in_progress}};
        memcpy(row.numbers, tls->handshakes.numbers, TLS_NUMBERS * sizeof *row.numbers);
        totals_add(w, &row, NULL);
        add_certificates(w, tls, side);
    }
}

/* --- stalls and caught calls --- */

static void add_stalls(struct totals_writer *w, const struct snapshot *s)
{
    const struct snapshot_stall *worst = &s->worst_stall;
    struct totals_row row = {
        .part = TOTALS_WORST_STALL,
        .values =
            {[WORST_HELD_NS] = (int64_t)(worst->held_max_ms * 1e6), [WORST_COUNT] = (int64_t)worst->count},
        .texts = {[WORST_TASK] = worst->task,
                  [WORST_ROUTE] = worst->route,
                  [WORST_PLACE] = worst->place,
                  [WORST_CAUSE] = worst->cause},
    };

    if (worst->found)
        totals_add(w, &row, NULL);
    for (size_t i = 0; i < s->stall_total_count; i++) {
        const struct snapshot_stall_total *total = &s->stall_totals[i];
        row = (struct totals_row){
            .part = TOTALS_STALLS,
            .keys = {total->route, weir_stall_type_name(total->cause)},
            .numbers = {[STALLS_COUNT] = total->count, [STALLS_HELD_NS] = (uint64_t)(total->held_s * 1e9)},
        };
        if (total->count > 0)
            totals_add(w, &row, NULL);
    }
}

static void add_guard_calls(struct totals_writer *w, const struct snapshot *s)
{
    for (size_t i = 0; i < s->guard_call_count; i++) {
        const struct totals_row row = {.part = TOTALS_GUARD_CALL,
                                       .keys = {s->guard_calls[i].function},
                                       .numbers = {s->guard_calls[i].count}};
        if (row.numbers[0] > 0)
            totals_add(w, &row, NULL);
    }
}

void totals_write(struct text_out *out, const struct snapshot *s)
{
    struct totals_writer w;

    totals_begin(&w, out);
    add_gateway(&w, s);
    for (size_t i = 0; i < s->route_count; i++)
        totals_add_route(&w, &s->routes[i]);
    add_gathers(&w, s);
    add_origins(&w, s);
    add_apps(&w, s);
    add_backends(&w, s);
    add_tls(&w, s);
    add_loops(&w, s);
    add_pools(&w, s);
    add_stalls(&w, s);
    add_guard_calls(&w, s);
    add_clients(&w, s); /* last: the rows that there may be most of */
    totals_end(&w);
}
