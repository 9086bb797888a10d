/* SPDX-License-Identifier: MIT */
/* The gateway processes themselves: connections, loops, pools, and what holds the loops. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/log.h>

#include "metrics/collector_parts.h"
#include "metrics/joined_parts.h"

/* --- the processes --- */

/* Of several processes: the sum of what they hold, and the one that is closest to its limit of descriptors.
 */
static void take_stats(struct process_stats *p, const struct totals_row *read)
{
    const int64_t open = read->values[GATEWAY_OPEN_FDS], max = read->values[GATEWAY_MAX_FDS];

    p->virtual_bytes += (uint64_t)read->values[GATEWAY_VIRTUAL_BYTES];
    p->resident_bytes += (uint64_t)read->values[GATEWAY_RESIDENT_BYTES];
    p->threads += (uint64_t)read->values[GATEWAY_THREADS];
    if (p->max_fds < 0 ||
        (max > 0 && (double)open / (double)max > (double)p->open_fds / (double)p->max_fds)) {
        p->open_fds = open;
        p->max_fds = max;
    }
}

static void take_gateway(struct snapshot *s, const struct totals_row *read)
{
    if (read->values[GATEWAY_HAS_STAT] != 0)
        take_stats(&s->process, read);
    if (read->values[GATEWAY_RUNS] == 0)
        return;
    s->runs = true;
    s->server.connections += (int)read->values[GATEWAY_CONNECTIONS];
    s->server.exchanges += (int)read->values[GATEWAY_EXCHANGES];
    s->server.fresh += (int)read->values[GATEWAY_FRESH];
    s->server.half_sent += (int)read->values[GATEWAY_HALF_SENT];
    if (read->values[GATEWAY_STALLS_ERR] < 0)
        s->stalls_err = (int)read->values[GATEWAY_STALLS_ERR];
}

void joined_gateway(struct snapshot *s, const struct sums *sums)
{
    const struct sum_row *row = sums_first(sums, TOTALS_GATEWAY);
    struct totals_row read;

    s->runs = false;
    s->stalls_err = 0;
    s->server = (weir_server_stats){0};
    process_stats_read(&s->process);
    host_stats_read(&s->host.stats);
    if (row != NULL) {
        for (size_t place = 0; sums_each_living(sums, row, &place, &read);)
            take_gateway(s, &read);
        s->log_dropped = row->numbers[GATEWAY_LOG_DROPPED] + weir_log_dropped();
        s->access_log_dropped = row->numbers[GATEWAY_ACCESS_LOG_DROPPED];
        s->outliers_unwritten = row->numbers[GATEWAY_OUTLIERS_UNWRITTEN];
        s->server.accepted = row->numbers[GATEWAY_ACCEPTED];
        s->server.turned_away = row->numbers[GATEWAY_TURNED_AWAY];
        memcpy(s->server.unserved, row->numbers + GATEWAY_UNSERVED, sizeof s->server.unserved);
        s->process.cpu_seconds += (double)row->numbers[GATEWAY_CPU_US] / 1e6;
        s->host.stats.own_us += row->numbers[GATEWAY_CPU_US];
    }
    take_host(s);
    series_update(&s->unserved, NULL, s->server.unserved);
}

void joined_clients(struct snapshot *s, const struct sums *sums, const struct window_clock *clock)
{
    struct totals_row read;

    begin_clients(s);
    for (const struct sum_row *row = sums_first(sums, TOTALS_CLIENT); row != NULL; row = sums_next(row)) {
        int half_sent = 0;
        for (size_t place = 0; sums_each_living(sums, row, &place, &read);)
            half_sent += (int)read.values[0];
        if (!row->gone)
            add_client(s, row->keys[0], half_sent, row->numbers);
    }
    end_clients(s, clock);
}

/* --- loops --- */

static int by_process(const void *a, const void *b)
{
    const struct snapshot_loop *x = a, *y = b;

    return x->process != y->process ? x->process - y->process : x->number - y->number;
}

static void add_loop(struct snapshot *s, const struct sums *sums, const struct sum_row *row)
{
    struct snapshot_loop *loop = &s->loops[s->loop_count++];
    struct totals_row read;

    *loop = (struct snapshot_loop){
        .process = atoi(row->keys[0]),
        .number = atoi(row->keys[1]),
        .started = row->numbers[LOOP_NUMBER_STARTED],
        .up = {(int64_t)row->numbers[LOOP_UP]},
        .busy_ns = row->numbers[LOOP_BUSY],
        .off_cpu_ns = row->numbers[LOOP_OFF_CPU],
        .lag = *row->series,
    };
    for (size_t place = 0; sums_each_living(sums, row, &place, &read);) {
        loop->tasks += (size_t)read.values[LOOP_VALUE_TASKS];
        loop->ready += (size_t)read.values[LOOP_VALUE_READY];
    }
}

void joined_loops(struct snapshot *s, const struct sums *sums)
{
    bool several = false; /* or were: a series keeps its labels while a process is started again */

    s->loop_count = 0;
    s->loops = joined_room(s->loops, joined_count(sums, TOTALS_LOOP, false), sizeof *s->loops);
    for (const struct sum_row *row = sums_first(sums, TOTALS_LOOP); row != NULL && s->loops != NULL;
         row = sums_next(row)) {
        several = several || atoi(row->keys[0]) > 1;
        if (row->lives)
            add_loop(s, sums, row);
    }
    if (s->loop_count > 1)
        qsort(s->loops, s->loop_count, sizeof *s->loops, by_process);
    if (!several)
        for (size_t i = 0; i < s->loop_count; i++)
            s->loops[i].process = 0; /* there is one */
}

/* --- pools --- */

static void take_pool(weir_pool_stats *stats, const struct totals_row *read)
{
    stats->work = (enum weir_pool_class)read->values[POOL_VALUE_CLASS];
    stats->workers += (int)read->values[POOL_VALUE_WORKERS];
    stats->workers_max += (int)read->values[POOL_VALUE_WORKERS_MAX];
    stats->queue_max += (int)read->values[POOL_VALUE_QUEUE_MAX];
    stats->queued += (int)read->values[POOL_VALUE_QUEUED];
    stats->running += (int)read->values[POOL_VALUE_RUNNING];
}

static void add_pool(struct snapshot *s, const struct sums *sums, const struct sum_row *row)
{
    const struct sum_row *queue =
        sums_find(sums, TOTALS_POOL_QUEUE, (const char *const[]){row->keys[0], NULL});
    struct snapshot_pool *pool = &s->pools[s->pool_count];
    struct totals_row read;

    if (queue == NULL)
        return;
    *pool = (struct snapshot_pool){.run = *row->series, .queue = *queue->series};
    snprintf(pool->stats.name, sizeof pool->stats.name, "%s", row->keys[0]);
    pool->stats.ran = row->numbers[POOL_RAN];
    pool->stats.dropped = row->numbers[POOL_DROPPED];
    pool->stats.cancelled = row->numbers[POOL_CANCELLED];
    memcpy(pool->stats.refused, row->numbers + POOL_REFUSED, sizeof pool->stats.refused);
    for (size_t place = 0; sums_each_living(sums, row, &place, &read);)
        take_pool(&pool->stats, &read);
    s->pool_count++;
}

void joined_pools(struct snapshot *s, const struct sums *sums, bool with_gone)
{
    s->pool_count = 0;
    s->pools = joined_room(s->pools, joined_count(sums, TOTALS_POOL, with_gone), sizeof *s->pools);
    for (const struct sum_row *row = sums_first(sums, TOTALS_POOL); row != NULL && s->pools != NULL;
         row = sums_next(row))
        if (joined_lists(row, with_gone))
            add_pool(s, sums, row);
}

/* --- what holds loops --- */

enum weir_stall_type joined_stall_type(const char *name)
{
    int type = 0;

    while (type < WEIR_STALL_TYPES && strcmp(weir_stall_type_name((enum weir_stall_type)type), name) != 0)
        type++;
    return (enum weir_stall_type)type;
}

static void take_worst(struct snapshot_stall *worst, const struct totals_row *read)
{
    const double held_ms = (double)read->values[WORST_HELD_NS] / 1e6;
    const char *cause = read->texts[WORST_CAUSE] != NULL ? read->texts[WORST_CAUSE] : "";

    if ((worst->found && held_ms <= worst->held_max_ms) || (int)joined_stall_type(cause) == WEIR_STALL_TYPES)
        return;
    *worst = (struct snapshot_stall){.found = true,
                                     .cause = weir_stall_type_name(joined_stall_type(cause)),
                                     .held_max_ms = held_ms,
                                     .count = (uint64_t)read->values[WORST_COUNT]};
    snprintf(worst->task, sizeof worst->task, "%s",
             read->texts[WORST_TASK] != NULL ? read->texts[WORST_TASK] : "");
    snprintf(worst->route, sizeof worst->route, "%s",
             read->texts[WORST_ROUTE] != NULL ? read->texts[WORST_ROUTE] : "");
    snprintf(worst->place, sizeof worst->place, "%s",
             read->texts[WORST_PLACE] != NULL ? read->texts[WORST_PLACE] : "");
}

void joined_stalls(struct snapshot *s, const struct sums *sums)
{
    const struct sum_row *worst = sums_first(sums, TOTALS_WORST_STALL);
    struct totals_row read;

    s->stall_total_count = 0;
    s->worst_stall.found = false;
    for (const struct sum_row *row = sums_first(sums, TOTALS_STALLS); row != NULL; row = sums_next(row))
        if ((int)joined_stall_type(row->keys[1]) < WEIR_STALL_TYPES)
            add_stall_total(s, row->keys[0], joined_stall_type(row->keys[1]), row->numbers[STALLS_COUNT],
                            (double)row->numbers[STALLS_HELD_NS] / 1e9);
    expect_stall_totals(s);
    for (size_t place = 0; worst != NULL && sums_each_living(sums, worst, &place, &read);)
        take_worst(&s->worst_stall, &read);
}

void joined_guard_calls(struct snapshot *s, const struct sums *sums)
{
    for (size_t i = 0; i < s->guard_call_count; i++) {
        const struct sum_row *row =
            sums_find(sums, TOTALS_GUARD_CALL, (const char *const[]){s->guard_calls[i].function, NULL});
        s->guard_calls[i].count = row != NULL ? row->numbers[0] : 0;
    }
}
