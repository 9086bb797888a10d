/* SPDX-License-Identifier: MIT */
#include "http/client/origin_stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/loop.h"
#include "core/runtime.h"
#include "http/message/writer.h"

/* --- the book of a client --- */

static const struct weir__registry_type book_type = {"origins of an HTTP client"};

static struct weir__registry *registry_of(const struct weir__origin_book *book)
{
    return &book->loop->runtime->registry;
}

static void free_counts(const struct weir__origin_book *book, struct weir__origin_counts *counts)
{
    weir__origin_health_drop(book->loop->runtime, counts->health);
    free(counts);
}

void weir__origin_book_open(struct weir__origin_book *book, struct weir__loop *loop)
{
    book->loop = loop;
    weir__registry_enter(registry_of(book));
    weir__registry_add(registry_of(book), &book->registered, &book_type);
    weir__registry_leave(registry_of(book));
}

void weir__origin_book_close(struct weir__origin_book *book)
{
    struct weir__origin_counts *next;

    weir__registry_enter(registry_of(book));
    weir__registry_remove(&book->registered);
    weir__registry_leave(registry_of(book));
    for (struct weir__origin_counts *c = atomic_load(&book->first); c != NULL; c = next) {
        next = c->next;
        free_counts(book, c);
    }
}

static void free_unused(struct weir__origin_book *book)
{
    struct weir__origin_counts *c = atomic_load_explicit(&book->first, memory_order_relaxed), *kept = NULL,
                               *next;

    for (; c != NULL; c = next) {
        next = c->next;
        if (c->unused)
            free_counts(book, c);
        else if (kept == NULL)
            atomic_store_explicit(&book->first, kept = c, memory_order_relaxed);
        else
            kept = kept->next = c;
    }
    if (kept == NULL)
        atomic_store_explicit(&book->first, NULL, memory_order_relaxed);
    else
        kept->next = NULL;
    book->has_unused = false;
}

static void free_unused_soon(struct weir__origin_book *book)
{
    if (!book->has_unused || !weir__registry_try_enter(registry_of(book)))
        return;
    free_unused(book);
    weir__registry_leave(registry_of(book));
}

struct weir__origin_counts *weir__origin_counts_add(struct weir__origin_book *book, const char *address)
{
    static const char scheme[] = "http://";
    size_t bytes = (sizeof(struct weir__origin_counts) + sizeof scheme + strlen(address) + 63) / 64 * 64;
    struct weir__origin_counts *counts = aligned_alloc(64, bytes); /* no cache line is another loop's */

    free_unused_soon(book);
    if (counts == NULL)
        return NULL;
    memset(counts, 0, bytes);
    memcpy(counts->origin, scheme, sizeof scheme);
    strcat(counts->origin, address);
    counts->health = weir__origin_health_use(book->loop->runtime, counts->origin);
    if (counts->health == NULL) {
        free(counts);
        return NULL;
    }
    counts->next = atomic_load_explicit(&book->first, memory_order_relaxed);
    atomic_store_explicit(&book->first, counts, memory_order_release);
    return counts;
}

void weir__origin_counts_drop(struct weir__origin_book *book, struct weir__origin_counts *counts)
{
    counts->unused = true;
    book->has_unused = true;
    free_unused_soon(book);
}

/* --- counting --- */

static enum weir_origin_error error_of(int err, bool connected)
{
    switch (-err) {
    case WEIR_EDEADLINE:
        return WEIR_ORIGIN_DEADLINE;
    case WEIR_ECANCELED:
        return WEIR_ORIGIN_CANCELLED;
    case WEIR_EBUSY:
        return WEIR_ORIGIN_BUSY;
    case WEIR_EDNS:
        return WEIR_ORIGIN_DNS;
    case WEIR_EPROTOCOL:
        return WEIR_ORIGIN_BAD_RESPONSE;
    case WEIR_ETOOLARGE:
        return WEIR_ORIGIN_TOO_LARGE;
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
        return WEIR_ORIGIN_OTHER;
    default:
        return connected ? WEIR_ORIGIN_CLOSED : WEIR_ORIGIN_CONNECT;
    }
}

static void count_error(struct weir__origin_counts *counts, const struct weir__origin_end *end,
                        enum weir_origin_error error)
{
    const char *words = end->words != NULL ? end->words
                        : end->err < 0     ? weir_error_text(end->err)
                                           : weir__http_reason(end->status);

    weir__origin_count(&counts->errors[error]);
    weir__origin_health_failed(counts->health, error, words[0] != '\0' ? words : "status 500 or above");
}

void weir__origin_counts_ended(struct weir__origin_counts *counts, const struct weir__origin_end *end,
                               int64_t took_ns)
{
    enum weir_origin_error error = end->err < 0 ? error_of(end->err, end->connected) : WEIR_ORIGIN_STATUS;

    if (end->err < 0 || end->status >= 500)
        count_error(counts, end, error);
    else
        weir__origin_health_answered(counts->health);
    /* How long it took to be refused, or until nobody wanted it any more, says nothing about the origin. */
    if (error != WEIR_ORIGIN_BUSY && error != WEIR_ORIGIN_CANCELLED)
        weir_meter_record(&counts->took, (weir_duration){took_ns});
}

void weir__origin_counts_broke(struct weir__origin_counts *counts, const struct weir__origin_end *end)
{
    count_error(counts, end, error_of(end->err, true));
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
    weir_meter_read(&counts->took, &out->took);
}

static void read_book(const struct weir__origin_book *book,
                      void (*fn)(void *arg, const weir_origin_stats *stats), void *arg)
{
    weir_origin_stats stats;

    for (const struct weir__origin_counts *c = atomic_load_explicit(
             (_Atomic(struct weir__origin_counts *) *)(uintptr_t)&book->first, memory_order_acquire);
         c != NULL; c = c->next) {
        read_counts(c, &stats);
        stats.loop = book->loop->index;
        fn(arg, &stats);
    }
}

void weir_origin_each(weir_runtime *runtime, void (*fn)(void *arg, const weir_origin_stats *stats), void *arg)
{
    weir__registry_enter(&runtime->registry);
    weir__registry_each (entry, &runtime->registry, &book_type)
        read_book(weir__container_of(entry, struct weir__origin_book, registered), fn, arg);
    weir__registry_leave(&runtime->registry);
}

const char *weir_origin_error_name(enum weir_origin_error error)
{
    static const char *const names[WEIR_ORIGIN_ERRORS] = {
        [WEIR_ORIGIN_DNS] = "dns",
        [WEIR_ORIGIN_CONNECT] = "connect",
        [WEIR_ORIGIN_CLOSED] = "closed",
        [WEIR_ORIGIN_BAD_RESPONSE] = "bad_response",
        [WEIR_ORIGIN_TOO_LARGE] = "too_large",
        [WEIR_ORIGIN_STATUS] = "status",
        [WEIR_ORIGIN_BUSY] = "busy",
        [WEIR_ORIGIN_DEADLINE] = "deadline",
        [WEIR_ORIGIN_CANCELLED] = "cancelled",
        [WEIR_ORIGIN_OTHER] = "other",
    };

    return (unsigned)error < WEIR_ORIGIN_ERRORS ? names[error] : "other";
}
