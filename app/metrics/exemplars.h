/* SPDX-License-Identifier: MIT */
/* The bounds of the histograms' buckets, and for each bucket one exchange that fell into it, by its trace.
 *
 * Threading: a struct exemplars is written by its loop alone and may be read by any thread meanwhile.
 */
#ifndef APP_METRICS_EXEMPLARS_H
#define APP_METRICS_EXEMPLARS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/time.h>
#include <weir/trace.h>

/* What is served from memory, asked of a neighbour, or waited for. */
enum { BUCKET_BOUNDS = 17, BUCKETS /* the last has no bound */ };

struct bucket_bound {
    const char *le, *le_float; /* in seconds: the shortest, and always with a point */
    int64_t us;
};

extern const struct bucket_bound bucket_bounds[BUCKET_BOUNDS];

/* The first bucket whose bound it does not exceed. */
unsigned bucket_of(weir_duration took);

struct exemplar {
    weir_trace trace; /* its id alone */
    weir_duration took;
    uint64_t at_ms; /* by the wall clock, since 1970 */
};

struct exemplars {
    struct {
        _Atomic uint64_t version; /* odd: being written; 0: empty */
        _Atomic uint64_t id_high, id_low, took_ns, at_ms;
    } buckets[BUCKETS];
};

/* Keeps this one in its bucket. On the loop it belongs to. */
void exemplars_keep(struct exemplars *exemplars, weir_duration took, const weir_trace *trace);

/* Returns: false: there is none, or it is just being written. */
bool exemplars_read(const struct exemplars *exemplars, unsigned bucket, struct exemplar *out);

#endif
