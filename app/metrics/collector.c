/* SPDX-License-Identifier: MIT */
#include "metrics/collector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/task.h>

#include "admin/gateway_status.h"

/* --- opening and closing --- */

int observed_open(struct observed *o, struct gateway_status *status)
{
    bool good;

    *o = (struct observed){.status = status, .started = weir_now()};
    rolling_clock_init(&o->clock, o->started);
    o->route_count = metrics_route_count(status->metrics);
    o->routes = calloc(o->route_count, sizeof(struct rolling *));
    good = o->routes != NULL;
    for (size_t i = 0; good && i < o->route_count; i++)
        good = (o->routes[i] = rolling_new(OBSERVED_ROUTE_NUMBERS)) != NULL;
    o->unserved = rolling_new_plain(WEIR_UNSERVED_WAYS);
    good = good && o->unserved != NULL;
    good = good && observed_host_open(&o->host) == 0;
    good = good && observed_gathers_open(&o->gathers, metrics_config(status->metrics), status->gathers) == 0;
    if (good && observed_spent_open(&o->spent, o->route_count) < 0)
        good = false;
    if (!good)
        observed_close(o);
    return good ? 0 : -ENOMEM;
}

void observed_close(struct observed *o)
{
    for (size_t i = 0; o->routes != NULL && i < o->route_count; i++)
        rolling_free(o->routes[i]);
    free(o->routes);
    observed_spent_close(o->spent, o->route_count);
    rolling_free(o->unserved);
    observed_clients_close(&o->clients);
    observed_gathers_close(&o->gathers);
    observed_host_close(&o->host);
    observed_loops_close(&o->loops);
    observed_origins_close(&o->origins);
    observed_pools_close(&o->pools);
}

/* --- routes --- */

static void look_at_route(struct observed *o, size_t i)
{
    struct metrics_route route;

    metrics_read_route(o->status->metrics, i, &route);
    uint64_t numbers[OBSERVED_ROUTE_NUMBERS] = {
        [OBSERVED_ERRORS] = route.errors,
        [OBSERVED_CUT] = route.cut,
        [OBSERVED_REQUEST_BYTES] = route.request_bytes,
        [OBSERVED_REPLY_BYTES] = route.reply_bytes,
    };
    memcpy(numbers + OBSERVED_REFUSED_FOR, route.refused, sizeof route.refused);
    rolling_see(o->routes[i], &route.took, numbers);
}

/* --- the whole --- */

static void look_at_runtime(struct observed *o, weir_runtime *runtime)
{
    weir_server_read(runtime, &o->server);
    rolling_see(o->unserved, NULL, o->server.unserved);
    observed_clients_look(&o->clients, runtime, &o->clock);
    observed_loops_look(&o->loops, runtime);
    observed_origins_look(&o->origins, metrics_config(o->status->metrics), runtime);
    observed_pools_look(&o->pools, runtime);
}

static void begin_second(struct observed *o)
{
    for (size_t i = 0; i < o->route_count; i++)
        rolling_next(o->routes[i], &o->clock);
    observed_spent_next(o->spent, &o->clock, o->route_count);
    metrics_next_second(o->status->metrics);
    rolling_next(o->unserved, &o->clock);
    observed_clients_next(&o->clients, &o->clock);
    observed_gathers_next(&o->gathers, &o->clock);
    observed_host_next(&o->host, &o->clock);
    observed_loops_next(&o->loops, &o->clock);
    observed_origins_next(&o->origins, &o->clock);
    observed_pools_next(&o->pools, &o->clock);
}

void observed_look(struct observed *o)
{
    weir_runtime *runtime;

    for (size_t i = 0; i < o->route_count; i++)
        look_at_route(o, i);
    observed_gathers_look(&o->gathers);
    observed_host_look(&o->host);
    observed_spent_look(o->spent, o->status->metrics, o->route_count);
    runtime = gateway_status_hold(o->status);
    o->runs = runtime != NULL;
    if (runtime != NULL) {
        look_at_runtime(o, runtime);
        gateway_status_release(o->status);
    }
    if (rolling_clock_turn(&o->clock, weir_now()))
        begin_second(o);
}

uint64_t observed_route_refused(const uint64_t *numbers)
{
    uint64_t refused = 0;

    for (size_t i = 0; i < metrics_refusal_count(); i++)
        refused += weir_refusal_at(i)->kind == WEIR_REFUSAL_LOAD ? numbers[OBSERVED_REFUSED_FOR + i] : 0;
    return refused;
}

int observed_run(void *arg)
{
    int err = 0;

    while (err == 0) {
        observed_look(arg);
        err = weir_sleep(weir_seconds(1));
    }
    return err;
}
