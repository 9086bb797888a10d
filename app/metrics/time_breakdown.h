/* SPDX-License-Identifier: MIT */
/* Where the time of a route's requests goes, on one loop: sums by kind of charge, how long they run, what
 * they wait longest for, and who holds them up.
 *
 * Working the charges out costs a few hundred instructions, so in each second only the first
 * BREAKDOWN_SAMPLES requests of a route are looked at on each loop.
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

/* A name and its sum, which forgets: the last half minute counts. */
struct breakdown_name {
    _Atomic uint64_t ns; /* 0: the place is free */
    char name[BREAKDOWN_NAME_BYTES];
};

struct breakdown_cell {
    uint32_t second; /* the loop's own: the one it last looked in, and how many more it will */
    uint32_t left;
    _Atomic uint64_t samples, weight; /* weight: of the samples, forgetting as the names do */
    _Atomic uint64_t charges_ns[WEIR_CHARGE_KINDS];
    weir_meter run;
    struct breakdown_name waits[BREAKDOWN_NAMES], holders[BREAKDOWN_NAMES];
};

/* An exchange has ended in this second, by whatever clock: whether it is one to be looked at. */
bool breakdown_wants(struct breakdown_cell *cell, uint32_t second);

/* Counts where its time went. */
void breakdown_take(struct breakdown_cell *cell, const weir_charge *charges, size_t count);

/* What cells of several loops come to. */
struct breakdown_total {
    uint64_t samples;
    uint64_t charges_ns[WEIR_CHARGE_KINDS];
    weir_meter run;
    char slowest[BREAKDOWN_NAME_BYTES], holder[BREAKDOWN_NAME_BYTES]; /* "": none */
    uint64_t slowest_ns, slowest_weight;                              /* of that loop's samples */
    uint64_t holder_ns;
};

/* Adds a cell. Of names it keeps the one that comes to most on one loop. */
void breakdown_add(const struct breakdown_cell *cell, struct breakdown_total *total);

#endif
