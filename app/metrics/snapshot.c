/* SPDX-License-Identifier: MIT */
#include "metrics/snapshot.h"

uint64_t snapshot_route_refused(const uint64_t *numbers)
{
    uint64_t refused = 0;

    for (size_t i = 0; i < request_refusal_count(); i++)
        refused += weir_refusal_at(i)->type == WEIR_REFUSAL_LOAD ? numbers[ROUTE_REFUSED + i] : 0;
    return refused;
}

double snapshot_breakdown_ms(const struct series_window *w, enum weir_charge_category charge)
{
    const uint64_t samples = w->numbers[BREAKDOWN_COUNT];

    return samples > 0 ? (double)w->numbers[charge] / (double)samples / 1e6 : 0;
}

uint64_t snapshot_origin_errors(const uint64_t *numbers)
{
    uint64_t errors = 0;

    for (int i = 0; i < WEIR_ORIGIN_ERRORS; i++)
        errors += i != WEIR_ORIGIN_CANCELLED ? numbers[ORIGIN_ERROR + i] : 0;
    return errors;
}

static double share_of_loop(const struct series_window *w, enum snapshot_loop_number number)
{
    const uint64_t up = w->numbers[LOOP_UP];

    return up > 0 ? (double)w->numbers[number] / (double)up : -1;
}

double snapshot_loop_busy(const struct series_window *w)
{
    return share_of_loop(w, LOOP_BUSY);
}

double snapshot_loop_off_cpu(const struct series_window *w)
{
    return share_of_loop(w, LOOP_OFF_CPU);
}

uint64_t snapshot_pool_refused(const uint64_t *numbers)
{
    uint64_t refused = 0;

    for (int i = 0; i < WEIR_REFUSALS; i++)
        refused += numbers[POOL_REFUSED + i];
    return refused;
}

bool snapshot_stall_is_own(enum weir_stall_type cause)
{
    return cause == WEIR_STALL_COMPUTING || cause == WEIR_STALL_BLOCKED;
}

const char *snapshot_pool_refusal_name(enum weir_pool_refusal refusal)
{
    static const char *const names[WEIR_REFUSALS] = {
        [WEIR_REFUSED_FULL] = "full",         [WEIR_REFUSED_WAIT] = "wait",
        [WEIR_REFUSED_DEADLINE] = "deadline", [WEIR_REFUSED_NESTED] = "nested",
        [WEIR_REFUSED_OTHER] = "other",
    };

    return names[refusal];
}
