/* SPDX-License-Identifier: MIT */
/* Meters: durations measured by one thread at a time and read by any, with quantiles within 2 %, from 32 ns
 * to two minutes. For what a service measures of itself while it runs.
 *
 * Threading: one thread at a time records into a meter. Any thread may read it meanwhile, into a meter of its
 * own: each number is then whole, though they may be of slightly different moments. All else is for a meter
 * that nobody records into. Nothing here waits, locks or allocates.
 */
#ifndef WEIR_METER_H
#define WEIR_METER_H

#include <stdint.h>

#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Below 2^5 units of 32 ns each unit has a bucket; above, each doubling up to 2^32 units is cut into 2^5
 * equal ones. */
#define WEIR_METER_UNIT_BITS 5
#define WEIR_METER_SUB_BITS 5
#define WEIR_METER_TOP_BITS 32
#define WEIR_METER_BUCKETS ((1 + WEIR_METER_TOP_BITS - WEIR_METER_SUB_BITS) << WEIR_METER_SUB_BITS)

/* 7 KiB. All zero is an empty one; it only grows. The fields are for the functions below, and for who keeps
 * many. */
typedef struct weir_meter {
    uint64_t sum_ns;
    uint64_t buckets[WEIR_METER_BUCKETS];
} weir_meter;

/* The bucket a duration falls in: those beyond the range in the last. Not for negative ones. */
static inline unsigned weir_meter_bucket(uint64_t ns)
{
    uint64_t units = ns >> WEIR_METER_UNIT_BITS;
    unsigned shift = 63U - WEIR_METER_SUB_BITS - (unsigned)__builtin_clzll(units | 1U << WEIR_METER_SUB_BITS);
    uint64_t bucket = ((uint64_t)shift << WEIR_METER_SUB_BITS) + (units >> shift);

    return bucket < WEIR_METER_BUCKETS ? (unsigned)bucket : WEIR_METER_BUCKETS - 1;
}

/* Records the same duration n times, on the thread that records: no locked instruction is needed. Negative
 * ones count as 0. */
static inline void weir_meter_record_many(weir_meter *m, weir_duration d, uint64_t n)
{
    uint64_t ns = (uint64_t)d.ns & ~(uint64_t)(d.ns >> 63);
    uint64_t *bucket = &m->buckets[weir_meter_bucket(ns)];

    __atomic_store_n(&m->sum_ns, __atomic_load_n(&m->sum_ns, __ATOMIC_RELAXED) + ns * n, __ATOMIC_RELAXED);
    __atomic_store_n(bucket, __atomic_load_n(bucket, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

/* Records one duration, on the thread that records. */
static inline void weir_meter_record(weir_meter *m, weir_duration d)
{
    weir_meter_record_many(m, d, 1);
}

/* Adds all that m holds to sum, which the caller alone uses: a copy, when that was empty.
 * Owns:    m is unchanged.
 * Returns: nothing.
 * Where:   any thread.
 */
void weir_meter_read(const weir_meter *m, weir_meter *sum);

/* Takes what an earlier copy holds out of a later one: what came between.
 * Owns:    earlier is unchanged.
 * Returns: nothing.
 * Where:   any thread, both being its own.
 */
void weir_meter_subtract(weir_meter *later, const weir_meter *earlier);

/* How many were recorded.
 * Owns:    nothing.
 * Returns: the number.
 * Where:   any thread, the meter being its own.
 */
uint64_t weir_meter_count(const weir_meter *m);

/* How many were at or below d, to within the bucket that d falls in (which is counted when its middle is).
 * Owns:    nothing.
 * Returns: the number; for d at or beyond the range, all.
 * Where:   any thread, the meter being its own.
 */
uint64_t weir_meter_count_upto(const weir_meter *m, weir_duration d);

/* The duration that a share q (0 to 1) of the recorded ones do not exceed.
 * Owns:    nothing.
 * Returns: within 2 % (or 16 ns) of the exact value; 0 if nothing was recorded. q outside 0 to 1 is taken as
 * the nearer end.
 * Where:   any thread, the meter being its own.
 */
weir_duration weir_meter_quantile(const weir_meter *m, double q);

/* The duration in the middle of a bucket: what stands for all in it.
 * Owns:    nothing.
 * Returns: a duration; 0 for bucket 0, into which what took no time falls.
 * Where:   any thread.
 */
weir_duration weir_meter_middle(unsigned bucket);

#ifdef __cplusplus
}
#endif
#endif
