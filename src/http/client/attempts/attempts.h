/* SPDX-License-Identifier: MIT */
/* The rules of second attempts (<weir/attempts.h>), as a part of what has them: a backend, or a
 * weir_attempts.
 *
 *     budget.c     what pays for them, common to loops and processes
 *     latency.c    what a loop has learned of how long first attempts take
 *     attempts.c   the rules made of these
 *     settings.c   options
 *     open.c       weir_attempts_open(), and the other public functions of an object
 *     shared.c     found by name, in the runtime or in shared memory
 *     retry_after.c, names.c
 *
 * Threading: common is atomic, and used by any loop of any process; the rest is the loop's. The functions
 * take the instant from their caller.
 */
#ifndef WEIR__ATTEMPTS_H
#define WEIR__ATTEMPTS_H

#include <weir/attempts.h>

#include <stdatomic.h>

#include "http/client/attempts/budget.h"
#include "http/client/attempts/latency.h"

/* What all loops and processes have in common. All zero at first; no pointers. */
struct weir__attempts_common {
    struct weir__budget budget;
    _Atomic int64_t pushback_until_ns;
    _Atomic uint64_t ended[WEIR_ATTEMPT_KINDS][WEIR_ATTEMPT_OUTCOMES];
    _Atomic uint64_t denied[WEIR_ATTEMPT_DENIALS];
    _Atomic uint64_t saved_ns;
};

/* Of the options, checked, with their defaults. */
struct weir__attempts_settings {
    weir_hedge_options hedge;
    weir_retry_options retry;
    struct weir__budget_settings budget;
};

/* A loop's part. */
struct weir__attempts {
    const struct weir__attempts_settings *settings;
    struct weir__attempts_common *common;
    struct weir__latency latency;
    _Atomic int64_t after_ns; /* as last told; for statistics */
    _Atomic uint64_t learned; /* samples it stands on; likewise */
};

/* Fills in defaults. Returns: 0; -EINVAL. */
int weir__attempts_settings_read(struct weir__attempts_settings *s, const weir_hedge_options *hedge,
                                 const weir_retry_options *retry) WEIR_CHECKED;

bool weir__attempts_settings_equal(const struct weir__attempts_settings *a,
                                   const struct weir__attempts_settings *b);

/* Adds them to a hash. */
uint64_t weir__attempts_settings_digest(const struct weir__attempts_settings *s, uint64_t hash);

static inline bool weir__attempts_hedges(const struct weir__attempts_settings *s)
{
    return s->hedge.percentile > 0 || s->hedge.after.ns > 0;
}

static inline bool weir__attempts_is_on(const struct weir__attempts_settings *s)
{
    return weir__attempts_hedges(s) || s->retry.on != 0;
}

void weir__attempts_init(struct weir__attempts *a, const struct weir__attempts_settings *settings,
                         struct weir__attempts_common *common);
void weir__attempts_end(struct weir__attempts *a);

/* As the public functions of the same names. */
void weir__attempts_first(struct weir__attempts *a, int64_t now_ns);
int64_t weir__attempts_hedge_after(struct weir__attempts *a, int64_t now_ns);
int weir__attempts_pay(struct weir__attempts *a, enum weir_attempt_kind kind, int64_t left_ns, int64_t now_ns,
                       enum weir_attempt_denial *why) WEIR_CHECKED;
void weir__attempts_took(struct weir__attempts *a, int64_t took_ns, int64_t now_ns);
void weir__attempts_pushback(struct weir__attempts *a, int64_t period_ns, int64_t now_ns);
void weir__attempts_ended(struct weir__attempts *a, enum weir_attempt_kind kind,
                          enum weir_attempt_outcome outcome);

/* The second attempt that was just paid is not made after all. */
void weir__attempts_refund(struct weir__attempts *a);

/* A second attempt was wanted, and something beside these rules forbids it. */
void weir__attempts_deny(struct weir__attempts *a, enum weir_attempt_denial why);

/* A hedge has beaten a first attempt that had taken so long. */
void weir__attempts_beaten(struct weir__attempts *a, int64_t took_ns);

/* The percentile as learned, without what an empty budget adds, and the median. 0: not known. */
int64_t weir__attempts_percentile(struct weir__attempts *a, int64_t now_ns);
int64_t weir__attempts_median(struct weir__attempts *a, int64_t now_ns);

/* The common part of what is told; the caller adds hedge_after of its loops. */
void weir__attempts_read(const struct weir__attempts_common *common,
                         const struct weir__attempts_settings *settings, int64_t now_ns,
                         weir_attempts_stats *out);

/* Of several loops, what the one told last that has learned most. All zero at first. */
struct weir__attempts_learned {
    int64_t after_ns;
    uint64_t samples;
};

/* Any thread. */
void weir__attempts_read_learned(const struct weir__attempts *a, struct weir__attempts_learned *best);

#endif
