/* SPDX-License-Identifier: MIT */
#include "admin/advice_calls.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct advice_calls {
    const struct snapshot *of;
    struct advice_call *items; /* of->call_count, in the order of of->calls */
    struct delays *delays;     /* of backends, then of origins */
    bool *read;                /* which of them have been */
};

/* --- how long calls take --- */

/* An instance is an origin: "http://10.0.0.7:7101". */
static bool is_instance(const struct snapshot_origin *origin, const struct snapshot_backend *b)
{
    const char *at = strstr(origin->name, "://");

    for (size_t i = 0; at != NULL && i < b->instance_count; i++)
        if (strcmp(at + strlen("://"), b->instances[i].address) == 0)
            return true;
    return false;
}

static void add_origin(const struct snapshot *s, const struct snapshot_origin *origin, weir_meter *sum)
{
    series_durations(&origin->requests, s->clock, s->at, WINDOW_LONG_S, sum);
}

static const struct delays *delays_of_backend(struct advice_calls *calls, size_t number)
{
    const struct snapshot *s = calls->of;
    struct delays *delays = &calls->delays[number];
    weir_meter sum = {0};

    if (calls->read[number])
        return delays;
    for (size_t i = 0; i < s->origin_count; i++)
        if (is_instance(s->origins[i], &s->backends[number]))
            add_origin(s, s->origins[i], &sum);
    delays_read(delays, &sum);
    calls->read[number] = true;
    return delays;
}

static const struct delays *delays_of_origin(struct advice_calls *calls, size_t number)
{
    const struct snapshot *s = calls->of;
    struct delays *delays = &calls->delays[s->backend_count + number];
    weir_meter sum = {0};

    if (calls->read[s->backend_count + number])
        return delays;
    add_origin(s, s->origins[number], &sum);
    delays_read(delays, &sum);
    calls->read[s->backend_count + number] = true;
    return delays;
}

/* --- the calls --- */

static bool is_safe(int method)
{
    const char *name = request_methods[method];

    return strcmp(name, "GET") == 0 || strcmp(name, "HEAD") == 0 || strcmp(name, "OPTIONS") == 0;
}

/* Of all requests of a route so far, those whose method may be sent twice. */
static double safe_share(const struct snapshot *s, const char *name)
{
    double safe = 0, all = 0;

    for (size_t i = 0; i < s->route_count; i++)
        for (size_t k = 0; strcmp(s->routes[i].name, name) == 0 && k < s->routes[i].outcomes.count; k++) {
            const struct request_outcome *outcome = &s->routes[i].outcomes.list[k];
            all += (double)outcome->count;
            safe += is_safe(outcome->method) ? (double)outcome->count : 0;
        }
    return all > 0 ? safe / all : 0;
}

static double repeatable_share(const struct snapshot *s, const struct snapshot_call *call)
{
    return call->repeats == CALL_REPEATS_ALWAYS ? 1
           : call->repeats == CALL_REPEATS_SOME ? safe_share(s, call->route)
                                                : 0;
}

static void fill(struct advice_calls *calls, const struct snapshot_call *call, struct advice_call *out)
{
    static const struct delays unknown;
    const struct snapshot *s = calls->of;

    *out = (struct advice_call){.delays = &unknown,
                                .repeatable = repeatable_share(s, call),
                                .deadline_ms = (double)call->deadline.ns / 1e6};
    for (size_t i = 0; call->backend != NULL && i < s->backend_count; i++)
        if (strcmp(s->backends[i].options->name, call->backend) == 0) {
            out->backend = &s->backends[i];
            out->delays = delays_of_backend(calls, i);
        }
    for (size_t i = 0; call->origin != NULL && i < s->origin_count; i++)
        if (strcmp(s->origins[i]->name, call->origin) == 0)
            out->delays = delays_of_origin(calls, i);
}

/* --- opening and closing --- */

struct advice_calls *advice_calls_open(const struct snapshot *s)
{
    const size_t places = s->backend_count + s->origin_count + 1;
    struct advice_calls *calls = calloc(1, sizeof *calls);

    if (calls == NULL)
        return NULL;
    *calls = (struct advice_calls){.of = s,
                                   .items = calloc(s->call_count + 1, sizeof *calls->items),
                                   .delays = calloc(places, sizeof *calls->delays),
                                   .read = calloc(places, sizeof *calls->read)};
    if (calls->items == NULL || calls->delays == NULL || calls->read == NULL) {
        advice_calls_close(calls);
        return NULL;
    }
    for (size_t i = 0; i < s->call_count; i++)
        fill(calls, &s->calls[i], &calls->items[i]);
    return calls;
}

void advice_calls_close(struct advice_calls *calls)
{
    if (calls == NULL)
        return;
    free(calls->items);
    free(calls->delays);
    free(calls->read);
    free(calls);
}

/* Routes of one path have one name, and are measured as one. */
static bool is_only_one(const struct config *config, const char *route)
{
    size_t count = 0;

    for (size_t i = 0; i < config->route_count; i++)
        count += strcmp(config->routes[i].name, route) == 0;
    return count == 1;
}

const struct advice_call *advice_calls_of(const struct advice_calls *calls, const char *route, size_t *count)
{
    const struct snapshot *s = calls->of;
    size_t first = 0;

    while (first < s->call_count && strcmp(s->calls[first].route, route) != 0)
        first++;
    *count = 0;
    while (first + *count < s->call_count && strcmp(s->calls[first + *count].route, route) == 0)
        (*count)++;
    if (!is_only_one(s->config, route))
        *count = 0;
    return &calls->items[first];
}
