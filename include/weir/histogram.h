/* SPDX-License-Identifier: MIT */
/* Histograms of durations: fixed memory, quantiles within 1 %, from 0 ns to 18 minutes.
 *
 * Threading: a histogram has no lock; one thread records into it. To merge, use copies, not histograms that
 * other threads record into. Nothing here waits or allocates.
 */
#ifndef WEIR_HISTOGRAM_H
#define WEIR_HISTOGRAM_H

#include <stdint.h>

#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Below 2^6 ns each nanosecond has a bucket; above, each doubling up to 2^40 ns is divided into 2^6 equal
 * buckets. */
#define WEIR_HISTOGRAM_SUB_BITS 6
#define WEIR_HISTOGRAM_TOP_BITS 40
#define WEIR_HISTOGRAM_BUCKETS                                                                               \
    ((1 + WEIR_HISTOGRAM_TOP_BITS - WEIR_HISTOGRAM_SUB_BITS) << WEIR_HISTOGRAM_SUB_BITS)

/* About 18 KiB. Treat the fields as private. */
typedef struct weir_histogram {
    uint64_t count;
    double sum_ns;
    int64_t min_ns;
    int64_t max_ns;
    uint64_t buckets[WEIR_HISTOGRAM_BUCKETS];
} weir_histogram;

/* Makes an empty histogram.
 * Owns:    h is plain memory of the caller's; there is nothing to free.
 * Returns: nothing.
 * Where:   any thread.
 */
void weir_histogram_init(weir_histogram *h);

/* Removes everything recorded.
 * Owns:    nothing.
 * Returns: nothing.
 * Where:   the thread that records.
 */
void weir_histogram_reset(weir_histogram *h);

/* Records one duration. A negative one counts as 0. One beyond the range counts in the last bucket, and is
 * still exact in the maximum and the sum.
 * Owns:    nothing.
 * Returns: nothing.
 * Where:   one thread at a time.
 */
void weir_histogram_record(weir_histogram *h, weir_duration d);

/* Adds everything recorded in other to sum.
 * Owns:    other is unchanged.
 * Returns: nothing.
 * Where:   the thread that records into sum, while no thread records into other.
 */
void weir_histogram_add(weir_histogram *sum, const weir_histogram *other);

/* Computes a quantile: the duration that a share q (0 to 1) of the recorded ones do not exceed. 0.5 is the
 * median, 0.99 the p99.
 * Owns:    nothing.
 * Returns: within 1 % of the exact value, never outside what was recorded; 0 if nothing was recorded. q
 *          outside 0 to 1 counts as the nearer end.
 * Where:   one thread at a time.
 */
weir_duration weir_histogram_quantile(const weir_histogram *h, double q);

/* Counts durations at or below d, to the precision of the bucket that d falls in (which is counted whole).
 * Owns:    nothing.
 * Returns: the number; for d at or beyond the range, all.
 * Where:   one thread at a time.
 */
uint64_t weir_histogram_count_upto(const weir_histogram *h, weir_duration d);

/* Counts the durations recorded.
 * Owns:    nothing.
 * Returns: the number.
 * Where:   one thread at a time.
 */
static inline uint64_t weir_histogram_count(const weir_histogram *h)
{
    return h->count;
}

/* Adds up the durations recorded. The sum stays at the largest duration instead of overflowing.
 * Owns:    nothing.
 * Returns: the sum; exact up to 104 days, then to 16 digits.
 * Where:   one thread at a time.
 */
weir_duration weir_histogram_sum(const weir_histogram *h);

/* Computes the mean of the durations recorded.
 * Owns:    nothing.
 * Returns: the mean, independent of the buckets; 0 if nothing was recorded.
 * Where:   one thread at a time.
 */
weir_duration weir_histogram_mean(const weir_histogram *h);

/* Reports the smallest duration recorded, exactly.
 * Owns:    nothing.
 * Returns: the minimum; 0 if nothing was recorded.
 * Where:   one thread at a time.
 */
weir_duration weir_histogram_min(const weir_histogram *h);

/* Reports the largest duration recorded, exactly.
 * Owns:    nothing.
 * Returns: the maximum; 0 if nothing was recorded.
 * Where:   one thread at a time.
 */
weir_duration weir_histogram_max(const weir_histogram *h);

#ifdef __cplusplus
}
#endif
#endif
