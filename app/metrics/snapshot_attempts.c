/* SPDX-License-Identifier: MIT */
#include "metrics/snapshot_attempts.h"

uint64_t snapshot_attempts_of(const uint64_t *numbers, enum weir_attempt_kind kind)
{
    uint64_t sum = 0;

    for (int i = 0; i < WEIR_ATTEMPT_OUTCOMES; i++)
        sum += snapshot_attempts_ended(numbers, kind, (enum weir_attempt_outcome)i);
    return sum;
}

uint64_t snapshot_attempts_denied(const uint64_t *numbers)
{
    uint64_t sum = 0;

    for (int i = 0; i < WEIR_ATTEMPT_DENIALS; i++)
        sum += numbers[ATTEMPTS_DENIED + i];
    return sum;
}
