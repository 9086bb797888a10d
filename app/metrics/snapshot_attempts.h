/* SPDX-License-Identifier: MIT */
/* First and second attempts in a snapshot: of a backend, or of an application (<weir/attempts.h>).
 *
 * Threading: as snapshot.h.
 */
#ifndef APP_METRICS_SNAPSHOT_ATTEMPTS_H
#define APP_METRICS_SNAPSHOT_ATTEMPTS_H

#include <stdint.h>

#include <weir/attempts.h>

#include "metrics/series.h"

/* The numbers: attempts that have ended, by kind and outcome; then what was denied, and what hedges saved. */
enum snapshot_attempts_number {
    ATTEMPTS_ENDED, /* enum weir_attempt_kind × WEIR_ATTEMPT_OUTCOMES + enum weir_attempt_outcome */
    ATTEMPTS_DENIED = ATTEMPTS_ENDED + (int)WEIR_ATTEMPT_KINDS * (int)WEIR_ATTEMPT_OUTCOMES,
    ATTEMPTS_SAVED_NS = ATTEMPTS_DENIED + WEIR_ATTEMPT_DENIALS, /* ATTEMPTS_DENIED: as the enum of reasons */
    ATTEMPTS_NUMBERS
};
_Static_assert((int)ATTEMPTS_NUMBERS <= (int)WINDOW_NUMBERS_MAX, "a series has room for every outcome");

/* All zero: none are counted. */
struct snapshot_attempts {
    uint64_t shared_id;        /* not 0: other processes have the counts in common with this one */
    weir_duration hedge_after; /* 0: there is no threshold */
    double budget;             /* second attempts that it would pay for */
    struct series ended;       /* by enum snapshot_attempts_number; no durations */
};

static inline bool snapshot_attempts_counted(const struct snapshot_attempts *a)
{
    return a->ended.numbers != NULL;
}

static inline uint64_t snapshot_attempts_ended(const uint64_t *numbers, enum weir_attempt_kind kind,
                                               enum weir_attempt_outcome outcome)
{
    return numbers[ATTEMPTS_ENDED + (int)kind * (int)WEIR_ATTEMPT_OUTCOMES + (int)outcome];
}

/* Of the numbers: attempts of a kind, however they ended; and second attempts that were denied, for whatever
 * reason. */
uint64_t snapshot_attempts_of(const uint64_t *numbers, enum weir_attempt_kind kind);
uint64_t snapshot_attempts_denied(const uint64_t *numbers);

#endif
