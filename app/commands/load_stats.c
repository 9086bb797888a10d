/* SPDX-License-Identifier: MIT */
#include "commands/load_stats.h"

#include <stdio.h>
#include <string.h>

enum { ROWS_MAX = 24 };

void load_stats_init(struct load_stats *stats)
{
    memset(stats, 0, sizeof *stats);
    weir_histogram_init(&stats->latency);
    weir_histogram_init(&stats->late);
}

/* Counts by status; a status without room is counted in the whole alone. */
static void time_status(struct load_stats *stats, int status, weir_duration latency)
{
    size_t i = 0;

    while (i < LOAD_TIMED_MAX && stats->timed[i].status && stats->timed[i].status != status)
        i++;
    if (i == LOAD_TIMED_MAX)
        return;
    if (!stats->timed[i].status) {
        stats->timed[i].status = status;
        weir_histogram_init(&stats->timed[i].latency);
    }
    weir_histogram_record(&stats->timed[i].latency, latency);
}

void load_stats_answer(struct load_stats *stats, int status, uint64_t bytes, weir_duration latency)
{
    stats->answered++;
    stats->bytes += bytes;
    if (status >= LOAD_STATUS_FIRST && status < LOAD_STATUS_END)
        stats->status[status - LOAD_STATUS_FIRST]++;
    weir_histogram_record(&stats->latency, latency);
    time_status(stats, status, latency);
}

/* The last entry takes all errors that have no room of their own. */
void load_stats_error(struct load_stats *stats, int err, const char *why)
{
    size_t i = 0;

    while (i < LOAD_ERRORS_MAX - 1 && stats->error[i].err && stats->error[i].err != err)
        i++;
    if (!stats->error[i].err) {
        stats->error[i].err = err;
        (void)snprintf(stats->error[i].why, sizeof stats->error[i].why, "%s", why != NULL ? why : "");
    }
    stats->error[i].count++;
    stats->failed++;
}

uint64_t load_stats_unsent(const struct load_stats *stats)
{
    return stats->planned > stats->sent ? stats->planned - stats->sent : 0;
}

weir_duration load_row_end(unsigned row)
{
    static const int steps[] = {1, 2, 5};
    int64_t ns = 10000;

    for (unsigned i = 0; i < row / 3; i++)
        ns *= 10;
    return (weir_duration){ns * steps[row % 3]};
}

void load_rows_find(const weir_histogram *h, unsigned *first, unsigned *end)
{
    const int64_t least = weir_histogram_min(h).ns, most = weir_histogram_max(h).ns;

    *first = 0;
    while (*first < ROWS_MAX - 1 && load_row_end(*first).ns < least)
        ++*first;
    *end = *first;
    while (*end < ROWS_MAX - 1 && load_row_end(*end).ns < most)
        ++*end;
    ++*end;
}

uint64_t load_row_count(const weir_histogram *h, unsigned row, unsigned end)
{
    uint64_t upto =
        row + 1 == end ? weir_histogram_count(h) : weir_histogram_count_upto(h, load_row_end(row));

    return upto - (row == 0 ? 0 : weir_histogram_count_upto(h, load_row_end(row - 1)));
}

double load_per_second(uint64_t count, weir_duration took)
{
    return took.ns > 0 ? (double)count * 1e9 / (double)took.ns : 0;
}
