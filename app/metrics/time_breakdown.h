/* SPDX-License-Identifier: MIT */
/* A breakdown of the time of a route's requests, on one loop: sums by charge, how long requests run, what
 * they wait longest for, and which tasks hold them up.
 *
 * Working out the charges of a request costs a few hundred instructions, so requests are sampled: the first
 * BREAKDOWN_SAMPLES of each second.
 *
 * Threading: a cell is written by its loop alone and may be read by any thread meanwhile, as a weir_meter is.
 */
#ifndef APP_METRICS_TIME_BREAKDOWN_H
#define APP_METRICS_TIME_BREAKDOWN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/charge.h>
#include <weir/meter.h>

enum {
    BREAKDOWN_SAMPLES = 64,
    BREAKDOWN_WEIGHT = 32 /* of one */,
    BREAKDOWN_NAMES = 16,
    BREAKDOWN_NAME_BYTES = 64
};

/* A name and its sum, which decays: the last half minute counts. */
struct breakdown_name {
    _Atomic uint64_t ns; /* 0: the slot is free */
    char name[BREAKDOWN_NAME_BYTES];
};

struct breakdown_cell {
    uint32_t second;                  /* for the loop: that of the latest request */
    uint32_t left;                    /* for the loop: samples left in that second */
    _Atomic uint64_t samples, weight; /* weight: of the samples, decaying as the names do */
    _Atomic uint64_t charges_ns[WEIR_CHARGE_CATEGORIES];
    weir_meter run;
    struct breakdown_name waits[BREAKDOWN_NAMES], holders[BREAKDOWN_NAMES];
};

/* Whether to sample an exchange that has ended in this second, by any clock. */
bool breakdown_wants(struct breakdown_cell *cell, uint32_t second);

/* Counts the charges of a sampled exchange. */
void breakdown_take(struct breakdown_cell *cell, const weir_charge *charges, size_t count);

/* The sum of several loops' cells. */
struct breakdown_total {
    uint64_t samples;
    uint64_t charges_ns[WEIR_CHARGE_CATEGORIES];
    weir_meter run;
    char slowest[BREAKDOWN_NAME_BYTES], holder[BREAKDOWN_NAME_BYTES]; /* "": none */
    uint64_t slowest_ns, slowest_weight;                              /* weight: of that loop's samples */
    uint64_t holder_ns;
};

/* Adds a cell. Of the names it keeps the one with the greatest sum on any loop. */
void breakdown_add(const struct breakdown_cell *cell, struct breakdown_total *total);

#endif
