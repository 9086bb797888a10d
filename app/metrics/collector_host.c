/* SPDX-License-Identifier: MIT */
#include "metrics/collector_parts.h"

/* The kernel's idle time decreases a little now and then: unlike with other totals, that is no new beginning.
 */
static void keep_from_decreasing(uint64_t numbers[HOST_NUMBERS], const uint64_t *before)
{
    for (size_t i = 0; i < HOST_NUMBERS; i++)
        if (numbers[i] < before[i])
            numbers[i] = before[i];
}

void take_host(struct snapshot *s)
{
    const struct host_stats *stats = &s->host.stats;
    uint64_t numbers[HOST_NUMBERS];

    numbers[HOST_ALL] = stats->all_us;
    numbers[HOST_BUSY] = stats->busy_us;
    numbers[HOST_STOLEN] = stats->stolen_us;
    numbers[HOST_OWN] = stats->own_us;
    numbers[HOST_PRESSED] = stats->pressed_us;
    numbers[HOST_PERIODS] = stats->periods;
    numbers[HOST_USED_UP] = stats->used_up;
    numbers[HOST_STOPPED] = stats->stopped_us;
    keep_from_decreasing(numbers, s->host.series.numbers);
    series_update(&s->host.series, NULL, numbers);
}

void collect_host(struct snapshot *s)
{
    host_stats_read(&s->host.stats);
    take_host(s);
}

int open_host(struct snapshot *s)
{
    int err = series_open_plain(&s->host.series, HOST_NUMBERS);

    if (err < 0)
        return err;
    collect_host(s);
    sliding_window_begin_here(s->host.series.window); /* what was before belongs to others */
    return 0;
}
