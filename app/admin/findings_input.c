/* SPDX-License-Identifier: MIT */
#include "admin/findings_input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- origins and backends --- */

static bool has_name(const char *list, const char *name)
{
    const size_t length = strlen(name);

    for (const char *at = list; (at = strstr(at, name)) != NULL; at += length)
        if ((at == list || at[-1] == ' ') && (at[length] == '\0' || at[length] == ','))
            return true;
    return false;
}

/* Returns: false: it is there already, or there is no room. */
static bool add_name(char list[FINDING_NAMES_BYTES], const char *name)
{
    const size_t used = strlen(list);

    if (has_name(list, name) || used + strlen(name) + 3 > FINDING_NAMES_BYTES)
        return false;
    snprintf(list + used, FINDING_NAMES_BYTES - used, "%s%s", used > 0 ? ", " : "", name);
    return true;
}

static uint64_t partial_of(const struct snapshot *s, const char *route)
{
    for (size_t i = 0; i < s->gather_count; i++)
        if (strcmp(s->gathers[i].route, route) == 0)
            return s->gathers[i].partial.last[LAST_60S].numbers[0];
    return 0;
}

/* Adds the calls that ask an origin, and the routes they are of. */
static void add_callers(struct finding_origin *out, const struct snapshot *s)
{
    for (size_t i = 0; i < s->call_count; i++) {
        const struct snapshot_call *call = &s->calls[i];
        if (call->origin == NULL || strcmp(call->origin, out->origin) != 0)
            continue;
        if (call->call != NULL)
            (void)add_name(out->names, call->call);
        if (add_name(out->routes, call->route))
            out->partial += partial_of(s, call->route);
    }
}

static void fill_origin(struct finding_origin *out, const struct snapshot *s,
                        const struct snapshot_origin *origin)
{
    const uint64_t *numbers = origin->requests.last[LAST_60S].numbers;
    int main = 0;

    for (int error = 0; error < WEIR_ORIGIN_ERRORS; error++)
        if (error != WEIR_ORIGIN_CANCELLED && numbers[ORIGIN_ERROR + error] > numbers[ORIGIN_ERROR + main])
            main = error;
    *out = (struct finding_origin){
        .origin = origin->name,
        .requests = numbers[ORIGIN_REQUESTS],
        .errors = snapshot_origin_errors(numbers),
        .reason = weir_origin_error_name((enum weir_origin_error)main),
        .of_reason = numbers[ORIGIN_ERROR + main],
        .last_error = origin->last_error,
    };
    add_callers(out, s);
}

static void fill_backend(struct finding_backend *out, const struct snapshot *s,
                         const struct snapshot_backend *backend)
{
    *out = (struct finding_backend){.backend = backend};
    for (size_t i = 0; i < s->call_count; i++)
        if (s->calls[i].backend != NULL && strcmp(s->calls[i].backend, backend->options->name) == 0)
            (void)add_name(out->routes, s->calls[i].route);
}

/* --- what was refused --- */

static void choose_reason(struct finding_refused *out, const uint64_t *reasons)
{
    for (size_t i = 0; i < request_refusal_count(); i++)
        if (weir_refusal_at(i)->type == WEIR_REFUSAL_LOAD && reasons[i] > out->of_reason) {
            out->of_reason = reasons[i];
            out->reason = weir_refusal_at(i)->reason;
        }
}

static struct finding_refused refused_of(const struct snapshot *s)
{
    struct finding_refused out = {.reason = "other", .route = "none"};
    uint64_t reasons[REQUEST_REFUSALS_MAX] = {0};

    for (size_t i = 0; i < s->route_count; i++) {
        const struct series_window *w = &s->routes[i].requests.last[LAST_60S];
        const uint64_t refused = snapshot_route_refused(w->numbers);
        out.requests += w->count;
        out.refused += refused;
        if (refused > out.of_route) {
            out.of_route = refused;
            out.route = s->routes[i].name;
        }
        for (size_t k = 0; k < request_refusal_count(); k++)
            reasons[k] += w->numbers[ROUTE_REFUSED + k];
    }
    choose_reason(&out, reasons);
    return out;
}

/* --- connections without a request --- */

static struct finding_unserved unserved_of(const struct snapshot *s)
{
    const struct config_limits *limits = &s->config->limits;
    const uint64_t *numbers = s->unserved.last[LAST_60S].numbers;
    struct finding_unserved out = {
        .connections = s->server.connections,
        .connections_max = limits->connections,
        .per_client_max = limits->connections_per_client,
        .fresh = s->server.fresh,
        .half_sent = s->server.half_sent,
        .slow = numbers[WEIR_UNSERVED_HEAD_TIMEOUT],
        .silent = numbers[WEIR_UNSERVED_IDLE_TIMEOUT],
        .left = numbers[WEIR_UNSERVED_CLOSED] + numbers[WEIR_UNSERVED_RESET],
        .over = numbers[WEIR_UNSERVED_CLIENT_LIMIT],
        .head_timeout_s = (double)limits->head_timeout.ns / 1e9,
    };

    for (size_t i = 0; i < FINDING_CLIENTS && i < s->client_count; i++) {
        const struct snapshot_client *client = &s->clients[i];
        if (client->half_sent > 0 || client->last[LAST_60S] > 0)
            out.clients[i] =
                (struct finding_client){client->address, client->half_sent, client->last[LAST_60S]};
    }
    return out;
}

/* --- the machine --- */

static double per_second(uint64_t count, const struct series_window *w)
{
    return w->seconds > 0 ? (double)count / w->seconds : 0;
}

/* Returns: milliseconds of a sampled request of any route, on average. */
static double charged_ms(const struct snapshot *s, enum weir_charge_category charge)
{
    double sum = 0, samples = 0;

    for (size_t i = 0; i < s->route_count; i++) {
        const uint64_t *numbers = s->routes[i].breakdown.last[LAST_60S].numbers;
        sum += (double)numbers[charge] / 1e6;
        samples += (double)numbers[BREAKDOWN_COUNT];
    }
    return samples > 0 ? sum / samples : 0;
}

static struct finding_host host_of(const struct snapshot *s)
{
    const struct host_stats *stats = &s->host.stats;
    const struct series_window *w = &s->host.series.last[LAST_60S];
    const uint64_t *n = w->numbers;
    const uint64_t others = n[HOST_BUSY] > n[HOST_OWN] ? n[HOST_BUSY] - n[HOST_OWN] : 0;
    struct finding_host out = {
        .cpus = per_second(n[HOST_ALL], w) / 1e6,
        .others_cpus = per_second(others, w) / 1e6,
        .stolen_cpus = per_second(n[HOST_STOLEN], w) / 1e6,
        .pressed_share = stats->has_pressure ? per_second(n[HOST_PRESSED], w) / 1e6 : -1,
        .quota_cpus = stats->quota_cpus,
        .quota_cgroup = stats->quota_cgroup,
        .periods = per_second(n[HOST_PERIODS], w),
        .used_up = per_second(n[HOST_USED_UP], w),
        .stopped_share = per_second(n[HOST_STOPPED], w) / 1e6,
        .starved_ms = charged_ms(s, WEIR_CHARGE_STARVED),
        .throttled_ms = charged_ms(s, WEIR_CHARGE_THROTTLED),
    };

    for (size_t i = 0; i < s->loop_count; i++) {
        const struct series_window *loop = &s->loops[i].lag.last[LAST_60S];
        out.wanted_ms += per_second(loop->numbers[LOOP_BUSY], loop) / 1e6;
        out.lacked_ms += per_second(loop->numbers[LOOP_OFF_CPU], loop) / 1e6;
    }
    return out;
}

static struct finding_stall stall_of(const struct snapshot_stall *worst)
{
    if (!worst->found)
        return (struct finding_stall){0};
    return (struct finding_stall){
        .task = worst->task,
        .cause = worst->cause,
        .place = worst->place[0] != '\0' ? worst->place : NULL,
        .route = worst->route[0] != '\0' ? worst->route : NULL,
        .held_max_ms = worst->held_max_ms,
        .count = worst->count,
    };
}

/* --- the whole --- */

int findings_input_open(struct findings_input *in, const struct advice_input *advice,
                        const struct snapshot *s)
{
    struct finding_origin *origins = calloc(s->origin_count + 1, sizeof *origins);
    struct finding_backend *backends = calloc(s->backend_count + 1, sizeof *backends);

    if (origins == NULL || backends == NULL) {
        free(origins);
        free(backends);
        return -ENOMEM;
    }
    for (size_t i = 0; i < s->origin_count; i++)
        fill_origin(&origins[i], s, s->origins[i]);
    for (size_t i = 0; i < s->backend_count; i++)
        fill_backend(&backends[i], s, &s->backends[i]);
    *in = (struct findings_input){
        .advice = advice,
        .origins = origins,
        .origin_count = s->origin_count,
        .backends = backends,
        .backend_count = s->backend_count,
        .tls = s->tls,
        .tls_count = s->tls_count,
        .now_s = s->at_s,
        .now = s->at,
        .refused = refused_of(s),
        .unserved = unserved_of(s),
        .host = host_of(s),
        .stall = stall_of(&s->worst_stall),
    };
    return 0;
}

void findings_input_close(struct findings_input *in)
{
    free((void *)(uintptr_t)in->origins);
    free((void *)(uintptr_t)in->backends);
}
