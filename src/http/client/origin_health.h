/* SPDX-License-Identifier: MIT */
/* Whether an origin works, as all clients of a runtime together see it: one line in the log when it begins to
 * fail and one when it is back, however many loops ask it.
 *
 * Threading: any loop. An answer costs one load of a number that is not written while all is well. Once
 * something has failed, one loop at a time counts; another one that comes at the same moment does not count,
 * and does not wait.
 */
#ifndef WEIR__HTTP_CLIENT_ORIGIN_HEALTH_H
#define WEIR__HTTP_CLIENT_ORIGIN_HEALTH_H

#include <weir/http_client.h>

#include <stdatomic.h>

#include "core/registry.h"

struct weir_runtime;

/* A failure adds two points, an answer takes one away. So an origin fails after three failures in a row, or
 * when for some time more than a third of its requests fail. An origin that has never answered fails with the
 * first failure that is no deadline. It is back after so many more answers than failures; after twice as many
 * each time when it keeps changing. */
enum {
    WEIR__ORIGIN_FAILS_AT = 6,
    WEIR__ORIGIN_BACK_AFTER = 3,
    WEIR__ORIGIN_BACK_AFTER_MAX = 192,
};

struct weir__origin_health {
    struct weir__registered registered; /* in runtime->shared, whose lock guards it and users */
    int users;
    atomic_bool watched; /* something has failed of late, or nothing was asked yet: answers count, too */
    atomic_bool failing;
    _Atomic(const char *) last_words; /* of the latest failure: static; NULL: there was none */
    _Atomic int64_t last_ns;          /* when that was, by the monotonic clock */
    atomic_flag held;                 /* while a loop counts; guards the rest */
    bool answered;                    /* ever */
    unsigned points, back_after;
    int64_t failing_ns, back_ns; /* since when it has been so */
    uint64_t failed;             /* since it began to fail */
    uint32_t reasons[WEIR_ORIGIN_ERRORS];
    const char *words[WEIR_ORIGIN_ERRORS];
    char origin[];
};

/* The health of an origin ("http://127.0.0.1:8101"), found or added. Waits for a loop that does so at that
 * moment.
 * Returns: NULL when there is no memory. */
struct weir__origin_health *weir__origin_health_use(struct weir_runtime *runtime, const char *origin);
void weir__origin_health_drop(struct weir_runtime *runtime, struct weir__origin_health *health);

/* A request failed. words: static, what was wrong. */
void weir__origin_health_failed(struct weir__origin_health *health, enum weir_origin_error error,
                                const char *words);

void weir__origin_health_count_answer(struct weir__origin_health *health);

/* A request was answered. */
static inline void weir__origin_health_answered(struct weir__origin_health *health)
{
    if (atomic_load_explicit(&health->watched, memory_order_relaxed))
        weir__origin_health_count_answer(health);
}

#endif
