/* SPDX-License-Identifier: MIT */
#include "observed_host.h"

#include <errno.h>

int observed_host_open(struct observed_host *o)
{
    o->rolling = rolling_new_plain(OBSERVED_HOST_NUMBERS);
    if (!o->rolling)
        return -ENOMEM;
    observed_host_look(o);
    rolling_begin_here(o->rolling); /* what was before is none of ours */
    return 0;
}

void observed_host_look(struct observed_host *o)
{
    host_stats_read(&o->stats);
    const struct host_stats *s = &o->stats;
    rolling_see(o->rolling, NULL,
                (uint64_t[OBSERVED_HOST_NUMBERS]){
                    [OBSERVED_HOST_ALL] = s->all_us,
                    [OBSERVED_HOST_BUSY] = s->busy_us,
                    [OBSERVED_HOST_STOLEN] = s->stolen_us,
                    [OBSERVED_HOST_OWN] = s->own_us,
                    [OBSERVED_HOST_PRESSED] = s->pressed_us,
                    [OBSERVED_HOST_PERIODS] = s->periods,
                    [OBSERVED_HOST_USED_UP] = s->used_up,
                    [OBSERVED_HOST_STOPPED] = s->stopped_us,
                });
}

void observed_host_next(struct observed_host *o, const struct rolling_clock *clock)
{
    rolling_next(o->rolling, clock);
}

void observed_host_close(struct observed_host *o)
{
    rolling_free(o->rolling);
}
