/* SPDX-License-Identifier: MIT */
#include "metrics/snapshot_backends.h"

size_t snapshot_backend_instances(const struct snapshot_backend *b)
{
    size_t here = 0;

    for (size_t i = 0; i < b->instance_count; i++)
        here += b->instances[i].state != WEIR_INSTANCE_GONE;
    return here;
}

size_t snapshot_backend_up(const struct snapshot_backend *b)
{
    size_t up = 0;

    for (size_t i = 0; i < b->instance_count; i++)
        up += b->instances[i].state == WEIR_INSTANCE_UP;
    return up;
}

uint64_t snapshot_backend_failures(const struct snapshot_backend *b, enum series_span span)
{
    uint64_t failures = 0;

    for (size_t i = 0; i < b->instance_count; i++)
        failures += b->instances[i].requests.last[span].numbers[INSTANCE_FAILURES];
    return failures;
}

uint64_t snapshot_backend_refused(const uint64_t *numbers)
{
    uint64_t refused = 0;

    for (int i = 0; i < WEIR_BACKEND_REFUSALS; i++)
        refused += numbers[BACKEND_REFUSED + i];
    return refused;
}

bool snapshot_backend_limit_is_auto(const struct snapshot_backend *b)
{
    return b->options->auto_limit.min > 0 || b->options->auto_limit.max > 0;
}

bool snapshot_backend_hedges(const struct snapshot_backend *b)
{
    return b->options->hedge.percentile > 0 || b->options->hedge.after.ns > 0;
}
