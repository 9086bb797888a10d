/* SPDX-License-Identifier: MIT */
#include "admin/page_stats_parts.h"

/* --- loops --- */

static void loop_window(struct text_out *out, const struct snapshot_loop *loop, enum series_span span)
{
    const struct series_window *w = &loop->lag.last[span];
    const bool known = snapshot_loop_busy(w) >= 0;

    text_out_printf(out, ",\"%s\":{", page_stats_span(span));
    page_stats_quantiles(out, w);
    text_out_add(out, ",\"busy\":");
    text_out_number(out, known, snapshot_loop_busy(w));
    text_out_add(out, ",\"off_cpu\":");
    text_out_number(out, known, snapshot_loop_off_cpu(w));
    text_out_add(out, "}");
}

void page_stats_loops(struct text_out *out, const struct snapshot *s)
{
    for (size_t i = 0; i < s->loop_count; i++) {
        const struct snapshot_loop *loop = &s->loops[i];
        const double busy = snapshot_loop_busy(&loop->lag.last[LAST_10S]);
        text_out_printf(out, "%s{\"loop\":%d,", i > 0 ? "," : "", loop->number);
        if (loop->process > 0)
            text_out_printf(out, "\"process\":%d,", loop->process);
        text_out_add(out, "\"busy\":");
        text_out_number(out, busy >= 0, busy);
        text_out_printf(out, ",\"tasks\":%zu,\"ready\":%zu", loop->tasks, loop->ready);
        loop_window(out, loop, LAST_10S);
        loop_window(out, loop, LAST_60S);
        text_out_add(out, "}");
    }
}

/* --- pools --- */

static const char *refusal_name(size_t i)
{
    return snapshot_pool_refusal_name((enum weir_pool_refusal)i);
}

static void pool_window(struct text_out *out, const struct snapshot_pool *pool, enum series_span span)
{
    const struct series_window *run = &pool->run.last[span];

    text_out_printf(out, ",\"%s\":{", page_stats_span(span));
    page_stats_rate(out, run->numbers[POOL_RAN], run);
    text_out_printf(out, ",\"refused\":%llu", (unsigned long long)snapshot_pool_refused(run->numbers));
    page_stats_reasons(out, run->numbers + POOL_REFUSED, WEIR_REFUSALS, refusal_name);
    text_out_add(out, ",\"run\":{");
    page_stats_quantiles(out, run);
    text_out_add(out, "},\"queue\":{");
    page_stats_quantiles(out, &pool->queue.last[span]);
    text_out_add(out, "}}");
}

void page_stats_pools(struct text_out *out, const struct snapshot *s)
{
    for (size_t i = 0; i < s->pool_count; i++) {
        const struct snapshot_pool *pool = &s->pools[i];
        const weir_pool_stats *stats = &pool->stats;
        const uint64_t *numbers = pool->run.numbers;
        text_out_add(out, i > 0 ? ",{\"pool\":" : "{\"pool\":");
        text_out_json(out, stats->name);
        text_out_printf(out,
                        ",\"workers\":%d,\"busy\":%d,\"queued\":%d,\"queue_max\":%d,"
                        "\"ran\":%llu,\"dropped\":%llu,\"cancelled\":%llu,\"refused\":%llu",
                        stats->workers_max, stats->running, stats->queued, stats->queue_max,
                        (unsigned long long)numbers[POOL_RAN], (unsigned long long)numbers[POOL_DROPPED],
                        (unsigned long long)numbers[POOL_CANCELLED],
                        (unsigned long long)snapshot_pool_refused(numbers));
        pool_window(out, pool, LAST_10S);
        pool_window(out, pool, LAST_60S);
        text_out_add(out, "}");
    }
}
