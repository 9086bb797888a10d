/* SPDX-License-Identifier: MIT */
#include "metrics/request_outliers.h"

#include "config/config.h"
#include "metrics/request_cells.h"

/* --- learning --- */

void request_counts_learn(struct request_counts *counts, size_t label, weir_duration limit)
{
    const int64_t learned_ns = limit.ns >= 0 ? limit.ns : INT64_MAX;

    for (struct request_counts_loop *loop = atomic_load(&counts->loops); loop != NULL; loop = loop->next) {
        struct request_cell *cell = &loop->cells[label];
        const int64_t slow_ns = counts->slow_ns[label];
        atomic_store_explicit(&cell->learned_ns, learned_ns, memory_order_relaxed);
        atomic_store_explicit(&cell->outlier_ns, learned_ns < slow_ns ? learned_ns : slow_ns,
                              memory_order_relaxed);
    }
}

weir_duration request_limit_of(const weir_meter *took)
{
    weir_duration limit;

    if (weir_meter_count(took) < REQUEST_LEARN_FROM)
        return (weir_duration){-1};
    limit = weir_meter_quantile(took, 0.999);
    limit.ns += limit.ns >> (WEIR_METER_SUB_BITS + 1); /* from the middle of its bucket to the end */
    return limit.ns > weir_us(REQUEST_LEARNED_MIN_US).ns ? limit : weir_us(REQUEST_LEARNED_MIN_US);
}

/* --- on the loop --- */

void request_outliers_to(struct request_counts_loop *loop, request_outlier_taker *taker, void *arg)
{
    loop->on_outlier = taker;
    loop->on_outlier_arg = arg;
}

static struct request_cell *cell_of(const struct request_counts_loop *loop,
                                    const weir_exchange_record *record)
{
    const struct config_route *route = record->data;

    return &loop->cells[loop->label_of[route - loop->routes]];
}

enum request_outlier request_outlier_reason(const struct request_counts_loop *loop,
                                            const weir_exchange_record *record, weir_duration *limit)
{
    const struct config_route *route = record->data;

    if (route == NULL)
        return REQUEST_OUTLIERS;
    *limit = route->slow;
    if (limit->ns > 0 && record->took.ns > limit->ns)
        return REQUEST_OUTLIER_SLOW;
    limit->ns = atomic_load_explicit(&cell_of(loop, record)->learned_ns, memory_order_relaxed);
    return record->took.ns > limit->ns ? REQUEST_OUTLIER_LEARNED : REQUEST_OUTLIERS;
}

void request_outlier_count(struct request_counts_loop *loop, const weir_exchange_record *record,
                           enum request_outlier as)
{
    counter *count = &cell_of(loop, record)->outliers[as];

    atomic_store_explicit(count, counter_read(count) + 1, memory_order_relaxed);
}
