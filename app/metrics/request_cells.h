/* SPDX-License-Identifier: MIT */
/* The memory behind request_counts.h: the cells into which each loop counts, one for each label. A label is a
 * name of routes; the last is for requests that no route took.
 *
 * Threading: a cell is written by its loop alone, with plain stores of atomic numbers, and may be read by any
 * thread meanwhile.
 */
#ifndef APP_METRICS_REQUEST_CELLS_H
#define APP_METRICS_REQUEST_CELLS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/meter.h>

#include "metrics/exemplars.h"
#include "metrics/request_labels.h"
#include "metrics/time_breakdown.h"

/* Pairs of method and status keep the slot in which they were first counted; slot 0 is for those that find
 * none. */
enum { SLOTS = REQUEST_STATUSES_MAX + 1, METHOD_BITS = 4 };
_Static_assert(SLOTS == 64, "the hash of slot_of() gives six bits");
_Static_assert(REQUEST_METHODS <= 1 << METHOD_BITS, "a key holds the method");

struct config;
struct config_route;

typedef _Atomic uint64_t counter;

struct request_cell {
    unsigned last_key; /* for the loop: the latest key and its slot */
    unsigned last_slot;
    int64_t slowest_ns;         /* for the loop: of the requests sampled in this second */
    int64_t sampled_ns;         /* for the loop: what takes longer is sampled: the lesser of slowest_ns and
                                   outlier_ns */
    _Atomic int64_t outlier_ns; /* a longer request may be an outlier; INT64_MAX: none is */
    _Atomic int64_t learned_ns; /* see request_outliers.h; INT64_MAX: nothing is learned */
    counter request_bytes, reply_bytes, cut, rate_shared;
    counter outliers[REQUEST_OUTLIERS];
    counter refused[REQUEST_REFUSALS_MAX];
    _Atomic uint16_t keys[SLOTS]; /* status << METHOD_BITS | method; 0: free */
    counter counts[SLOTS];
    weir_meter took;
    struct breakdown_cell breakdown;
    struct exemplars exemplars;
};

struct request_counts_loop {
    struct request_counts_loop *next;
    const struct config_route *routes;
    const uint16_t *label_of;
    struct request_cell *cells; /* by label */
    struct request_cell *none;  /* for what no route took */
    const _Atomic uint32_t *second;
    request_outlier_taker *on_outlier; /* NULL: outliers are not recorded */
    void *on_outlier_arg;
};

/* Memory that outlives the process begins with this and the labels: for each its name and its kind ("": of
 * "none"), each with its NUL. The cells of one loop after the other follow up to its end. */
struct cells_head {
    uint64_t label_count;
    uint64_t first;      /* where the cells of the first loop begin */
    uint64_t loop_bytes; /* from those of one loop to those of the next */
};

struct request_counts {
    const struct config *config;
    _Atomic(struct request_counts_loop *) loops;
    int memory;                    /* a descriptor; -1: the cells end with the process */
    _Atomic uint64_t memory_bytes; /* of it, that are taken */
    size_t loop_bytes;             /* of the cells of a loop: whole pages */
    _Atomic uint32_t second;       /* counted up by the reader */
    size_t label_count;
    const struct config_route **labels; /* the first route of each name; the last, NULL: none matched */
    uint16_t *label_of;                 /* by number of the route */
    int64_t *slow_ns; /* by label: the least key "slow" of its routes; INT64_MAX: none has it */
};

static inline size_t cells_bytes(size_t label_count, size_t page)
{
    return (label_count * sizeof(struct request_cell) + page - 1) / page * page;
}

static inline uint64_t counter_read(const counter *c)
{
    return atomic_load_explicit((counter *)(uintptr_t)c, memory_order_relaxed);
}

#endif
