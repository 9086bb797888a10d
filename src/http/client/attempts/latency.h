/* SPDX-License-Identifier: MIT */
/* How long first attempts take, as one loop has seen in a running window of 15 s and the one before.
 *
 * A percentile is known from the hundredth sample of both windows on. After a pause the last known value
 * holds until there are a hundred new ones. Computing it costs a walk over the buckets, so it is done only
 * when enough has changed.
 *
 * Threading: one loop's.
 */
#ifndef WEIR__LATENCY_H
#define WEIR__LATENCY_H

#include <stdint.h>

#include <weir/meter.h>

enum { WEIR__LATENCY_SAMPLES_MIN = 100, WEIR__LATENCY_WINDOW_S = 15 };

struct weir__latency {
    weir_meter *windows; /* two, allocated with the first sample; NULL: none could be */
    int current;
    int64_t began_ns; /* of the current window */
    uint64_t counts[2];
    uint64_t changed;                 /* samples since the values below were computed */
    uint64_t learned;                 /* samples that they stand on */
    double share;                     /* of which percentile_ns is: 0.95 */
    int64_t percentile_ns, median_ns; /* 0: not known */
};

void weir__latency_init(struct weir__latency *l, double share);
void weir__latency_free(struct weir__latency *l);
void weir__latency_record(struct weir__latency *l, int64_t took_ns, int64_t now_ns);

/* Returns: 0: not known. */
int64_t weir__latency_percentile(struct weir__latency *l, int64_t now_ns);
int64_t weir__latency_median(struct weir__latency *l, int64_t now_ns);

/* How much longer those take on average, beyond that, that have taken so long already, by the samples above;
 * 0: none did. */
int64_t weir__latency_remaining(const struct weir__latency *l, int64_t taken_ns);

#endif
