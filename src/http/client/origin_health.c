/* SPDX-License-Identifier: MIT */
#include "http/client/origin_health.h"

#include <stdlib.h>
#include <string.h>

#include <weir/log.h>
#include <weir/time.h>

#include "core/runtime.h"

static const int64_t calm_ns = 60 * INT64_C(1000000000); /* after so long a change is not one of a series */

/* --- all of a runtime --- */

static const struct weir__registry_type health_type = {"health of an origin"};

static struct weir__origin_health *find(struct weir_runtime *runtime, const char *origin)
{
    weir__registry_each (entry, &runtime->shared, &health_type) {
        struct weir__origin_health *health =
            weir__container_of(entry, struct weir__origin_health, registered);
        if (strcmp(health->origin, origin) == 0)
            return health;
    }
    return NULL;
}

static struct weir__origin_health *add(struct weir_runtime *runtime, const char *origin)
{
    struct weir__origin_health *health = calloc(1, sizeof *health + strlen(origin) + 1);

    if (health == NULL)
        return NULL;
    strcpy(health->origin, origin);
    health->watched = true;
    health->back_after = WEIR__ORIGIN_BACK_AFTER;
    atomic_flag_clear(&health->held);
    weir__registry_add(&runtime->shared, &health->registered, &health_type);
    return health;
}

struct weir__origin_health *weir__origin_health_use(struct weir_runtime *runtime, const char *origin)
{
    struct weir__origin_health *health;

    weir__registry_enter(&runtime->shared);
    health = find(runtime, origin);
    if (health == NULL)
        health = add(runtime, origin);
    if (health != NULL)
        health->users++;
    weir__registry_leave(&runtime->shared);
    return health;
}

void weir__origin_health_drop(struct weir_runtime *runtime, struct weir__origin_health *health)
{
    bool last;

    weir__registry_enter(&runtime->shared);
    last = --health->users == 0;
    if (last)
        weir__registry_remove(&health->registered);
    weir__registry_leave(&runtime->shared);
    if (last)
        free(health);
}

/* --- counting --- */

/* What is logged, after the counting has been left to others again. */
struct news {
    bool fails, back;
    enum weir_origin_error reason;
    const char *words;
    uint64_t failed;
    int64_t after_ns;
};

static enum weir_origin_error main_reason(const struct weir__origin_health *health)
{
    int most = 0;

    for (int i = 1; i < WEIR_ORIGIN_ERRORS; i++)
        if (health->reasons[i] > health->reasons[most])
            most = i;
    return (enum weir_origin_error)most;
}

static void forget(struct weir__origin_health *health)
{
    health->points = 0;
    health->failed = 0;
    memset(health->reasons, 0, sizeof health->reasons);
    atomic_store_explicit(&health->watched, false, memory_order_relaxed);
}

static void begin_to_fail(struct weir__origin_health *health, int64_t now_ns, struct news *news)
{
    bool again = health->back_ns != 0 && now_ns - health->back_ns < calm_ns;

    health->back_after = !again                                             ? WEIR__ORIGIN_BACK_AFTER
                         : health->back_after < WEIR__ORIGIN_BACK_AFTER_MAX ? 2 * health->back_after
                                                                            : health->back_after;
    health->points = health->back_after;
    health->failing_ns = now_ns;
    atomic_store_explicit(&health->failing, true, memory_order_relaxed);
    news->fails = true;
    news->reason = main_reason(health);
    news->words = health->words[news->reason];
}

static void come_back(struct weir__origin_health *health, int64_t now_ns, struct news *news)
{
    *news = (struct news){.back = true, .failed = health->failed, .after_ns = now_ns - health->failing_ns};
    health->back_ns = now_ns;
    atomic_store_explicit(&health->failing, false, memory_order_relaxed);
    forget(health);
}

static void count_failure(struct weir__origin_health *health, enum weir_origin_error error, const char *words,
                          struct news *news)
{
    bool failing = atomic_load_explicit(&health->failing, memory_order_relaxed);
    unsigned most = failing ? health->back_after : WEIR__ORIGIN_FAILS_AT;

    health->failed++;
    health->reasons[error]++;
    health->words[error] = words;
    health->points = health->points + 2 < most ? health->points + 2 : most;
    if (!failing && (health->points == most || (!health->answered && error != WEIR_ORIGIN_DEADLINE)))
        begin_to_fail(health, weir_now().ns, news);
}

static void count_answer(struct weir__origin_health *health, struct news *news)
{
    health->answered = true;
    if (health->points > 0 && --health->points > 0)
        return;
    if (atomic_load_explicit(&health->failing, memory_order_relaxed))
        come_back(health, weir_now().ns, news);
    else
        forget(health);
}

static void log_news(const struct weir__origin_health *health, const struct news *news)
{
    if (news->fails)
        weir_log(WEIR_LOG_WARN, "an origin fails", WEIR_KV("origin", health->origin),
                 WEIR_KV("reason", weir_origin_error_name(news->reason)), WEIR_KV("error", news->words));
    if (news->back)
        weir_log(WEIR_LOG_INFO, "an origin works again", WEIR_KV("origin", health->origin),
                 WEIR_KV_DURATION("after", (weir_duration){news->after_ns}),
                 WEIR_KV_INT("failed", news->failed));
}

/* Whether the origin caused it. A refusal by our own limits and a cancel are not its own. */
static bool is_its_own(enum weir_origin_error error)
{
    return error != WEIR_ORIGIN_BUSY && error != WEIR_ORIGIN_CANCELLED && error != WEIR_ORIGIN_OTHER;
}

void weir__origin_health_failed(struct weir__origin_health *health, enum weir_origin_error error,
                                const char *words)
{
    struct news news = {0};

    if (!is_its_own(error))
        return;
    atomic_store_explicit(&health->last_words, words, memory_order_relaxed);
    atomic_store_explicit(&health->last_ns, weir_now().ns, memory_order_relaxed);
    if (atomic_flag_test_and_set_explicit(&health->held, memory_order_acquire))
        return;
    atomic_store_explicit(&health->watched, true, memory_order_relaxed);
    count_failure(health, error, words, &news);
    atomic_flag_clear_explicit(&health->held, memory_order_release);
    log_news(health, &news);
}

void weir__origin_health_count_answer(struct weir__origin_health *health)
{
    struct news news = {0};

    if (atomic_flag_test_and_set_explicit(&health->held, memory_order_acquire))
        return;
    count_answer(health, &news);
    atomic_flag_clear_explicit(&health->held, memory_order_release);
    log_news(health, &news);
}
