/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "metrics/collector_parts.h"

int open_attempts(struct snapshot_attempts *a)
{
    return series_open_plain(&a->ended, ATTEMPTS_NUMBERS);
}

void take_attempts(struct snapshot_attempts *a, const weir_attempts_stats *stats)
{
    uint64_t numbers[ATTEMPTS_NUMBERS] = {
        [ATTEMPTS_SAVED_NS] = stats->hedge_saved.ns > 0 ? (uint64_t)stats->hedge_saved.ns : 0};

    _Static_assert(sizeof stats->attempts == ATTEMPTS_DENIED * sizeof *numbers, "ATTEMPTS_ENDED has them");
    memcpy(numbers + ATTEMPTS_ENDED, stats->attempts, sizeof stats->attempts);
    memcpy(numbers + ATTEMPTS_DENIED, stats->denied, sizeof stats->denied);
    a->shared_id = stats->shared_id;
    a->hedge_after = stats->hedge_after;
    a->budget = stats->budget;
    series_update(&a->ended, NULL, numbers);
}
