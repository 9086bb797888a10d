/* SPDX-License-Identifier: MIT */
/* What is counted of an origin, for others to read.
 *
 * Threading: the loop of the client writes. Any thread reads, holding the runtime's lock of what it shows;
 * the loop never waits for that lock but as the client is opened and closed: what it has no more use for
 * while somebody reads is left for later.
 */
#ifndef WEIR__HTTP_CLIENT_ORIGIN_STATS_H
#define WEIR__HTTP_CLIENT_ORIGIN_STATS_H

#include <weir/http_client.h>

#include <stdatomic.h>

#include "core/registry.h"
#include "http/client/origin_health.h"

struct weir_runtime;
struct weir__loop;

struct weir__origin_counts {
    struct weir__origin_counts *next; /* older */
    bool unused;                      /* the loop's: its origin is forgotten */
    atomic_int in_use, idle, waiting;
    _Atomic uint64_t requests, reused, connected;
    _Atomic uint64_t errors[WEIR_ORIGIN_ERRORS];
    weir_meter took;
    struct weir__origin_health *health; /* shared with those of other loops */
    char origin[];
};

/* Those of one client, in its memory. */
struct weir__origin_book {
    struct weir__registered registered; /* in the runtime's registry */
    struct weir__loop *loop;
    _Atomic(struct weir__origin_counts *) first;
    bool has_unused;
};

void weir__origin_book_open(struct weir__origin_book *book, struct weir__loop *loop);
/* Waits for whoever reads it at that moment. */
void weir__origin_book_close(struct weir__origin_book *book);

/* NULL: no memory. address: as in a URL. */
struct weir__origin_counts *weir__origin_counts_add(struct weir__origin_book *book, const char *address);
void weir__origin_counts_drop(struct weir__origin_book *book, struct weir__origin_counts *counts);

/* Only the loop adds, so that no locked instruction is needed. */
static inline void weir__origin_count(_Atomic uint64_t *n)
{
    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1, memory_order_relaxed);
}

static inline void weir__origin_counts_now(struct weir__origin_counts *counts, int in_use, int idle,
                                           int waiting)
{
    atomic_store_explicit(&counts->in_use, in_use, memory_order_relaxed);
    atomic_store_explicit(&counts->idle, idle, memory_order_relaxed);
    atomic_store_explicit(&counts->waiting, waiting, memory_order_relaxed);
}

/* How a request ended. */
struct weir__origin_end {
    int err;           /* 0: it was answered, */
    int status;        /* with this */
    const char *words; /* static: what was wrong; NULL: what err says */
    bool connected;    /* it had a connection at the end */
};

void weir__origin_counts_ended(struct weir__origin_counts *counts, const struct weir__origin_end *end,
                               int64_t took_ns);
/* An answer whose head is counted already broke off. */
void weir__origin_counts_broke(struct weir__origin_counts *counts, const struct weir__origin_end *end);

#endif
