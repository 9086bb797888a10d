/* SPDX-License-Identifier: MIT */
#include "http/client/origin_stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/loop.h"
#include "core/runtime.h"
#include "http/client/origin_error.h"
#include "http/message/writer.h"

/* --- the origins of a client --- */

static const struct weir__registry_type stats_type = {"origins of an HTTP client"};

static struct weir__registry *registry_of(const struct weir__client_stats *stats)
{
    return &stats->loop->runtime->registry;
}

/* The health of an origin of an unseen client: always good, and never written. */
static const struct weir__origin_health of_unseen;

static bool is_unseen(const struct weir__origin_counts *counts)
{
    return counts->health == &of_unseen;
}

static void free_counts(const struct weir__client_stats *stats, struct weir__origin_counts *counts)
{
    if (!is_unseen(counts))
        weir__origin_health_drop(stats->loop->runtime, counts->health);
    free(counts);
}

void weir__client_stats_open(struct weir__client_stats *stats, struct weir__loop *loop)
{
    stats->loop = loop;
    weir__list_init(&stats->registered.node);
    if (stats->unseen)
        return;
    weir__registry_enter(registry_of(stats));
    weir__registry_add(registry_of(stats), &stats->registered, &stats_type);
    weir__registry_leave(registry_of(stats));
}

void weir__client_stats_close(struct weir__client_stats *stats)
{
    struct weir__origin_counts *next;

    weir__registry_enter(registry_of(stats));
    weir__registry_remove(&stats->registered);
    weir__registry_leave(registry_of(stats));
    for (struct weir__origin_counts *c = atomic_load(&stats->first); c != NULL; c = next) {
        next = c->next;
        free_counts(stats, c);
    }
}

static void free_unused(struct weir__client_stats *stats)
{
    struct weir__origin_counts *c = atomic_load_explicit(&stats->first, memory_order_relaxed), *kept = NULL,
                               *next;

    for (; c != NULL; c = next) {
        next = c->next;
        if (c->unused)
            free_counts(stats, c);
        else if (kept == NULL)
            atomic_store_explicit(&stats->first, kept = c, memory_order_relaxed);
        else
            kept = kept->next = c;
    }
    if (kept == NULL)
        atomic_store_explicit(&stats->first, NULL, memory_order_relaxed);
    else
        kept->next = NULL;
    stats->has_unused = false;
}

static void free_unused_soon(struct weir__client_stats *stats)
{
    if (!stats->has_unused || !weir__registry_try_enter(registry_of(stats)))
        return;
    free_unused(stats);
    weir__registry_leave(registry_of(stats));
}

struct weir__origin_counts *weir__origin_counts_add(struct weir__client_stats *stats, bool tls,
                                                    const char *address)
{
    const char *scheme = tls ? "https://" : "http://";
    size_t text = strlen(scheme) + strlen(address) + 1;
    size_t bytes = (sizeof(struct weir__origin_counts) + text + 63) / 64 * 64;
    struct weir__origin_counts *counts = aligned_alloc(64, bytes); /* no cache line is another loop's */

    free_unused_soon(stats);
    if (counts == NULL)
        return NULL;
    memset(counts, 0, bytes);
    (void)stpcpy(stpcpy(counts->origin, scheme), address);
    counts->health = stats->unseen ? (struct weir__origin_health *)(uintptr_t)&of_unseen
                                   : weir__origin_health_use(stats->loop->runtime, counts->origin);
    if (counts->health == NULL) {
        free(counts);
        return NULL;
    }
    counts->next = atomic_load_explicit(&stats->first, memory_order_relaxed);
    atomic_store_explicit(&stats->first, counts, memory_order_release);
    return counts;
}

void weir__origin_counts_drop(struct weir__client_stats *stats, struct weir__origin_counts *counts)
{
    counts->unused = true;
    stats->has_unused = true;
    free_unused_soon(stats);
}

/* --- counting --- */

static void count_error(struct weir__origin_counts *counts, const struct weir__origin_end *end,
                        enum weir_origin_error error)
{
    const char *words = end->words != NULL ? end->words
                        : end->err < 0     ? weir_error_text(end->err)
                                           : weir__http_reason(end->status);

    weir__origin_count(&counts->errors[error]);
    if (is_unseen(counts))
        return;
    weir__origin_health_failed(counts->health, error, words[0] != '\0' ? words : "status 500 or above");
}

void weir__origin_counts_ended(struct weir__origin_counts *counts, const struct weir__origin_end *end,
                               int64_t took_ns)
{
    enum weir_origin_error error = WEIR_ORIGIN_STATUS;

    if (end->err == 0 && end->status < 500) {
        weir__origin_health_answered(counts->health);
        weir_meter_record(&counts->took, (weir_duration){took_ns});
        return;
    }
    if (end->err < 0)
        error = weir__origin_error_of(end->err, end->connected);
    count_error(counts, end, error);
    /* The time until a refusal, or a cancel, says nothing about the origin. */
    if (error != WEIR_ORIGIN_BUSY && error != WEIR_ORIGIN_CANCELLED)
        weir_meter_record(&counts->took, (weir_duration){took_ns});
}

void weir__origin_counts_broke(struct weir__origin_counts *counts, const struct weir__origin_end *end)
{
    count_error(counts, end, weir__origin_error_of(end->err, true));
}

/* --- reading --- */

static uint64_t look(const _Atomic uint64_t *n)
{
    return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)n, memory_order_relaxed);
}

static int look_int(const atomic_int *n)
{
    return atomic_load_explicit((atomic_int *)(uintptr_t)n, memory_order_relaxed);
}

static void read_counts(const struct weir__origin_counts *counts, weir_origin_stats *out)
{
    *out = (weir_origin_stats){
        .origin = counts->origin,
        .in_use = look_int(&counts->in_use),
        .idle = look_int(&counts->idle),
        .waiting = look_int(&counts->waiting),
        .requests = look(&counts->requests),
        .reused = look(&counts->reused),
        .connected = look(&counts->connected),
        .failing = atomic_load_explicit(&counts->health->failing, memory_order_relaxed),
        .last_error = atomic_load_explicit(&counts->health->last_words, memory_order_relaxed),
        .last_error_at = {atomic_load_explicit(&counts->health->last_ns, memory_order_relaxed)},
    };
    for (int i = 0; i < WEIR_ORIGIN_ERRORS; i++)
        out->errors[i] = look(&counts->errors[i]);
    weir_meter_add(&out->took, &counts->took);
}

static void read_stats(const struct weir__client_stats *client,
                       void (*fn)(void *arg, const weir_origin_stats *stats), void *arg)
{
    weir_origin_stats stats;

    for (const struct weir__origin_counts *c = atomic_load_explicit(
             (_Atomic(struct weir__origin_counts *) *)(uintptr_t)&client->first, memory_order_acquire);
         c != NULL; c = c->next) {
        read_counts(c, &stats);
        stats.loop = client->loop->index;
        fn(arg, &stats);
    }
}

void weir_origin_each(weir_runtime *runtime, void (*fn)(void *arg, const weir_origin_stats *stats), void *arg)
{
    weir__registry_enter(&runtime->registry);
    weir__registry_each (entry, &runtime->registry, &stats_type)
        read_stats(weir__container_of(entry, struct weir__client_stats, registered), fn, arg);
    weir__registry_leave(&runtime->registry);
}
