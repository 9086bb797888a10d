/* SPDX-License-Identifier: MIT */
#include "metrics/collector_host.h"

#include <errno.h>

int observed_host_open(struct observed_host *o)
{
    o->rolling = rolling_new_plain(OBSERVED_HOST_NUMBERS);
    if (o->rolling == NULL)
        return -ENOMEM;
    observed_host_look(o);
    rolling_begin_here(o->rolling); /* what was before is none of ours */
    return 0;
}

/* The kernel's books of idle time go back a little now and then; that is no new beginning. */
static void only_forwards(const struct rolling *rolling, uint64_t numbers[OBSERVED_HOST_NUMBERS])
{
    const uint64_t *before = rolling_numbers(rolling);

    for (size_t i = 0; i < OBSERVED_HOST_NUMBERS; i++)
        if (numbers[i] < before[i])
            numbers[i] = before[i];
}

void observed_host_look(struct observed_host *o)
{
    const struct host_stats *s;

    host_stats_read(&o->stats);
    s = &o->stats;
    uint64_t numbers[OBSERVED_HOST_NUMBERS] = {
        [OBSERVED_HOST_ALL] = s->all_us,         [OBSERVED_HOST_BUSY] = s->busy_us,
        [OBSERVED_HOST_STOLEN] = s->stolen_us,   [OBSERVED_HOST_OWN] = s->own_us,
        [OBSERVED_HOST_PRESSED] = s->pressed_us, [OBSERVED_HOST_PERIODS] = s->periods,
        [OBSERVED_HOST_USED_UP] = s->used_up,    [OBSERVED_HOST_STOPPED] = s->stopped_us,
    };
    only_forwards(o->rolling, numbers);
    rolling_see(o->rolling, NULL, numbers);
}

void observed_host_next(struct observed_host *o, const struct rolling_clock *clock)
{
    rolling_next(o->rolling, clock);
}

void observed_host_close(struct observed_host *o)
{
    rolling_free(o->rolling);
}
