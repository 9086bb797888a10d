/* SPDX-License-Identifier: MIT */
#include "admin_advice.h"

#include <errno.h>
#include <stdlib.h>

#include <weir/pool.h>

#include "advice.h"
#include "gateway_status.h"

static double ms(weir_duration d)
{
    return (double)d.ns / 1e6;
}

static struct advice_time time_of(const weir_meter *meter)
{
    const uint64_t count = weir_meter_count(meter);
    return (struct advice_time){
        .mean_ms = count ? (double)meter->sum_ns / (double)count / 1e6 : 0,
        .p99_ms = ms(weir_meter_quantile(meter, 0.99)),
    };
}

static double mean_square_ms2(const weir_meter *meter)
{
    double sum = 0, count = 0;
    for (unsigned i = 0; i < WEIR_METER_BUCKETS; i++) {
        const double n = (double)meter->buckets[i], middle = ms(weir_meter_middle(i));
        sum += n * middle * middle;
        count += n;
    }
    return count > 0 ? sum / count : 0;
}

static double waits_ms(const struct rolling_window *w)
{
    double sum = observed_spent_ms(w, WEIR_CHARGE_OTHER);
    for (enum weir_charge_kind kind = WEIR_CHARGE_BODY; kind < WEIR_CHARGE_KINDS; kind++)
        if (kind != WEIR_CHARGE_POOL_QUEUE && kind != WEIR_CHARGE_POOL_RUN)
            sum += observed_spent_ms(w, kind);
    return sum;
}

static struct advice_route route_of(struct observed *o, size_t i)
{
    const struct observed_spent *spent = &o->spent[i];
    struct rolling_window took, w;
    rolling_sum(o->routes[i], &o->clock, weir_now(), ROLLING_LONG_S, &took);
    rolling_sum(spent->rolling, &o->clock, weir_now(), ROLLING_LONG_S, &w);
    const uint64_t requests = weir_meter_count(&took.meter);
    return (struct advice_route){
        .route = metrics_route_name(o->status->metrics, i),
        .requests = requests,
        .rate = took.seconds > 0 ? (double)requests / took.seconds : 0,
        .took_ms = time_of(&took.meter).mean_ms,
        .loop = time_of(&w.meter),
        .loop_square_ms2 = mean_square_ms2(&w.meter),
        .wait_ms = waits_ms(&w),
        .ready_ms = observed_spent_ms(&w, WEIR_CHARGE_QUEUE) + observed_spent_ms(&w, WEIR_CHARGE_READY),
        .queue_ms = observed_spent_ms(&w, WEIR_CHARGE_POOL_QUEUE),
        .pool_ms = observed_spent_ms(&w, WEIR_CHARGE_POOL_RUN),
        .slowest = spent->slowest[0] ? spent->slowest : NULL,
        .slowest_ms = spent->slowest_ms,
        .held_by = spent->holder[0] ? spent->holder : NULL,
    };
}

static struct advice_pool pool_of(struct observed *o, const struct observed_pool *pool)
{
    struct rolling_window run, queue;
    rolling_sum(pool->run, &o->clock, weir_now(), ROLLING_LONG_S, &run);
    rolling_sum(pool->queue, &o->clock, weir_now(), ROLLING_LONG_S, &queue);
    const double seconds = run.seconds > 0 ? run.seconds : 1;
    return (struct advice_pool){
        .pool = pool->stats.name,
        .computes = pool->stats.work == WEIR_POOL_COMPUTE,
        .workers = pool->stats.workers_max,
        .rate = (double)run.numbers[OBSERVED_RAN] / seconds,
        .refused_rate = (double)observed_pool_refused(run.numbers) / seconds,
        .queue = time_of(&queue.meter),
        .run = time_of(&run.meter),
    };
}

void admin_advice_write(struct observed *o, struct text_out *out)
{
    observed_look(o);
    struct advice_route *routes = calloc(o->route_count + 1, sizeof *routes);
    struct advice_pool *pools = calloc(o->pools.count + 1, sizeof *pools);
    const struct advice_input in = {
        .seconds = ROLLING_LONG_S,
        .loops = o->loops.count > 0 ? (int)o->loops.count : 1,
        .cpus = weir_cpu_count(),
        .routes = routes,
        .route_count = o->route_count,
        .pools = pools,
        .pool_count = o->pools.count,
    };
    if (routes && pools) {
        for (size_t i = 0; i < o->route_count; i++)
            routes[i] = route_of(o, i);
        for (size_t i = 0; i < o->pools.count; i++)
            pools[i] = pool_of(o, &o->pools.list[i]);
        advice_write(out, &in);
    } else {
        out->err = -ENOMEM;
    }
    free(routes);
    free(pools);
}
