/* SPDX-License-Identifier: MIT */
/* What is counted of an origin, for other threads to read.
 *
 * Threading: the loop of the client writes. Any thread reads, holding the lock of the runtime's registry. The
 * loop waits for that lock only when the client is opened and closed: counts that are not needed any more
 * while another thread reads are freed later.
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
    bool unused;                      /* the loop's: the origin has been forgotten */
    atomic_int in_use, idle, waiting;
    _Atomic uint64_t requests, reused, connected;
    _Atomic uint64_t errors[WEIR_ORIGIN_ERRORS];
    weir_meter took;
    struct weir__origin_health *health; /* shared with those of other loops */
    char origin[];
};

/* The counts of all origins of one client, in its memory. */
struct weir__client_stats {
    struct weir__registered registered; /* in the runtime's registry */
    struct weir__loop *loop;
    _Atomic(struct weir__origin_counts *) first;
    bool has_unused;
    bool unseen; /* nothing is reported or logged: of health checks. Set before it is opened */
};

void weir__client_stats_open(struct weir__client_stats *stats, struct weir__loop *loop);
/* Waits for the thread that reads at that moment. */
void weir__client_stats_close(struct weir__client_stats *stats);

/* NULL: no memory. address: as in a URL. */
struct weir__origin_counts *weir__origin_counts_add(struct weir__client_stats *stats, bool tls,
                                                    const char *address);
void weir__origin_counts_drop(struct weir__client_stats *stats, struct weir__origin_counts *counts);

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
    bool connected;    /* the request had a connection at the end */
};

void weir__origin_counts_ended(struct weir__origin_counts *counts, const struct weir__origin_end *end,
                               int64_t took_ns);
/* Counts an answer that broke off after its head was counted. */
void weir__origin_counts_broke(struct weir__origin_counts *counts, const struct weir__origin_end *end);

#endif
