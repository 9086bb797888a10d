/* SPDX-License-Identifier: MIT */
#include "admin/advice_input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/route_kind.h"

static bool is_of_client(enum weir_charge_category charge)
{
    return charge == WEIR_CHARGE_HEAD || charge == WEIR_CHARGE_BODY || charge == WEIR_CHARGE_SEND;
}

static bool is_wait(enum weir_charge_category charge)
{
    switch (charge) {
    case WEIR_CHARGE_RUN:
    case WEIR_CHARGE_QUEUE:
    case WEIR_CHARGE_READY:
    case WEIR_CHARGE_STARVED:
    case WEIR_CHARGE_THROTTLED:
    case WEIR_CHARGE_POOL_QUEUE:
    case WEIR_CHARGE_POOL_RUN:
        return false;
    default:
        return true;
    }
}

static bool is_any(enum weir_charge_category charge)
{
    (void)charge;
    return true;
}

static double sum_ms(const struct series_window *w, bool (*wanted)(enum weir_charge_category charge))
{
    double sum = 0;

    for (enum weir_charge_category charge = 0; charge < WEIR_CHARGE_CATEGORIES; charge++)
        sum += wanted(charge) ? snapshot_breakdown_ms(w, charge) : 0;
    return sum;
}

static struct advice_kind kind_of(const struct config *config, const char *path)
{
    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route *route = &config->routes[i];
        if (strcmp(route->name, path) == 0)
            return (struct advice_kind){
                .name = route->kind->name,
                .pool = route->kind->on,
                .on_loop = route->on != NULL && strcmp(route->on, "loop") == 0,
                .asks_backends = strcmp(route->kind->name, "gather") == 0,
            };
    }
    return (struct advice_kind){0};
}

/* The sum of names decays, and is that of one loop: its average is over other requests than took_ms, and
 * could be more than all waits of those. */
static double slowest_ms_of(const struct snapshot_route *route, double wait_ms)
{
    return route->slowest_ms < wait_ms ? route->slowest_ms : wait_ms;
}

static struct advice_route route_of(const struct snapshot *s, const struct snapshot_route *route)
{
    const struct series_window *all = &route->requests.last[LAST_60S];
    const struct series_window *sampled = &route->breakdown.last[LAST_60S];

    return (struct advice_route){
        .route = route->name,
        .kind = kind_of(s->config, route->name),
        .requests = all->count,
        .rate = all->seconds > 0 ? (double)all->count / all->seconds : 0,
        /* of the samples, so that its parts add up to it */
        .took_ms = sampled->numbers[BREAKDOWN_COUNT] > 0 ? sum_ms(sampled, is_any) : all->mean_ms,
        .p99_ms = all->p99_ms,
        .loop = {snapshot_breakdown_ms(sampled, WEIR_CHARGE_RUN), sampled->p99_ms},
        .loop_square_ms2 = sampled->mean_square_ms2,
        .wait_ms = sum_ms(sampled, is_wait),
        .client_ms = sum_ms(sampled, is_of_client),
        .ready_ms = snapshot_breakdown_ms(sampled, WEIR_CHARGE_QUEUE) +
                    snapshot_breakdown_ms(sampled, WEIR_CHARGE_READY),
        .starved_ms = snapshot_breakdown_ms(sampled, WEIR_CHARGE_STARVED),
        .throttled_ms = snapshot_breakdown_ms(sampled, WEIR_CHARGE_THROTTLED),
        .queue_ms = snapshot_breakdown_ms(sampled, WEIR_CHARGE_POOL_QUEUE),
        .pool_ms = snapshot_breakdown_ms(sampled, WEIR_CHARGE_POOL_RUN),
        .slowest = route->slowest[0] != '\0' ? route->slowest : NULL,
        .slowest_ms = slowest_ms_of(route, sum_ms(sampled, is_wait)),
        .held_by = route->holder[0] != '\0' ? route->holder : NULL,
    };
}

static struct advice_pool pool_of(const struct snapshot_pool *pool)
{
    const struct series_window *run = &pool->run.last[LAST_60S], *queue = &pool->queue.last[LAST_60S];
    const double seconds = run->seconds > 0 ? run->seconds : 1;

    return (struct advice_pool){
        .pool = pool->stats.name,
        .computes = pool->stats.work == WEIR_POOL_COMPUTE,
        .workers = pool->stats.workers_max,
        .rate = (double)run->numbers[POOL_RAN] / seconds,
        .refused_rate = (double)snapshot_pool_refused(run->numbers) / seconds,
        .queue = {queue->mean_ms, queue->p99_ms},
        .run = {run->mean_ms, run->p99_ms},
    };
}

int advice_input_open(struct advice_input *in, const struct snapshot *s)
{
    struct advice_route *routes = calloc(s->route_count + 1, sizeof *routes);
    struct advice_pool *pools = calloc(s->pool_count + 1, sizeof *pools);

    *in = (struct advice_input){
        .loops = s->loop_count > 0 ? (int)s->loop_count : 1,
        .cpus = weir_cpu_count(),
        .routes = routes,
        .backends = s->backends,
        .backend_count = s->backend_count,
        .pools = pools,
        .pool_count = s->pool_count,
        .made = advice_calls_open(s),
    };
    if (routes == NULL || pools == NULL || in->made == NULL) {
        advice_input_close(in);
        return -ENOMEM;
    }
    for (size_t i = 0; i < s->route_count; i++)
        if (s->routes[i].kind != NULL) /* "none" is no route to advise on */
            routes[in->route_count++] = route_of(s, &s->routes[i]);
    for (size_t i = 0; i < in->route_count; i++)
        routes[i].calls = advice_calls_of(in->made, routes[i].route, &routes[i].call_count);
    for (size_t i = 0; i < s->pool_count; i++)
        pools[i] = pool_of(&s->pools[i]);
    return 0;
}

void advice_input_close(struct advice_input *in)
{
    free((void *)(uintptr_t)in->routes);
    free((void *)(uintptr_t)in->pools);
    advice_calls_close(in->made);
}
