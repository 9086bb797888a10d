/* SPDX-License-Identifier: MIT */
/* The buckets of the histograms in /metrics, and for each bucket an exemplar: the trace of its latest
 * exchange.
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

/* From what is served out of memory to what waits for slow backends. */
enum { BUCKET_BOUNDS = 17, BUCKETS /* the last has no bound */ };

struct bucket_bound {
    const char *le, *le_float; /* in seconds: in the shortest form, and always with a point */
    int64_t us;
};

extern const struct bucket_bound bucket_bounds[BUCKET_BOUNDS];

/* Returns: the first bucket whose bound a duration does not exceed. */
unsigned bucket_of(weir_duration took);

struct exemplar {
    weir_trace trace; /* its id alone */
    weir_duration took;
    uint64_t at_ms; /* wall-clock time, since 1970 */
};

struct exemplars {
    struct {
        _Atomic uint64_t version; /* odd: being written; 0: empty */
        _Atomic uint64_t id_high, id_low, took_ns, at_ms;
    } buckets[BUCKETS];
};

/* Keeps an exchange as the exemplar of its bucket. On the loop of the exemplars. */
void exemplars_keep(struct exemplars *exemplars, weir_duration took, const weir_trace *trace);

/* Reads the exemplar of a bucket.
 * Returns: false: there is none, or it is being written.
 */
bool exemplars_read(const struct exemplars *exemplars, unsigned bucket, struct exemplar *out);

#endif
