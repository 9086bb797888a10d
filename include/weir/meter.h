/* SPDX-License-Identifier: MIT */
/* Meters: durations recorded by one thread at a time and read by any thread, with quantiles within 2 %,
 * from 32 ns to two minutes. Meant for what a service measures of itself while it runs.
 *
 * Threading: one thread at a time records into a meter. Any thread may meanwhile read it into a meter of
 * its own; each number is then consistent, but numbers may be from slightly different moments. All other
 * functions need a meter that no thread records into. Nothing here waits, locks or allocates.
 */
#ifndef WEIR_METER_H
#define WEIR_METER_H

#include <stdint.h>

#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Below 2^5 units of 32 ns each unit has a bucket; above, each doubling up to 2^32 units is divided into
 * 2^5 equal buckets. */
#define WEIR_METER_UNIT_BITS 5
#define WEIR_METER_SUB_BITS 5
#define WEIR_METER_TOP_BITS 32
#define WEIR_METER_BUCKETS ((1 + WEIR_METER_TOP_BITS - WEIR_METER_SUB_BITS) << WEIR_METER_SUB_BITS)

/* 7 KiB. All zero is an empty meter; values only grow. Treat the fields as private, unless you store many
 * meters compactly. */
typedef struct weir_meter {
    uint64_t sum_ns;
    uint64_t buckets[WEIR_METER_BUCKETS];
} weir_meter;

/* Finds the bucket of a duration; one beyond the range falls in the last. Not for negative durations. */
static inline unsigned weir_meter_bucket(uint64_t ns)
{
    uint64_t units = ns >> WEIR_METER_UNIT_BITS;
    unsigned shift = 63U - WEIR_METER_SUB_BITS - (unsigned)__builtin_clzll(units | 1U << WEIR_METER_SUB_BITS);
    uint64_t bucket = ((uint64_t)shift << WEIR_METER_SUB_BITS) + (units >> shift);

    return bucket < WEIR_METER_BUCKETS ? (unsigned)bucket : WEIR_METER_BUCKETS - 1;
}

/* Records the same duration n times, on the thread that records; needs no locked instruction. A negative
 * duration counts as 0. */
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

/* Adds everything recorded in other to sum, which the caller alone uses; other may be recorded into
 * meanwhile. An empty sum becomes a copy.
 * Owns:    other is unchanged.
 * Returns: nothing.
 * Where:   any thread.
 */
void weir_meter_add(weir_meter *sum, const weir_meter *other);

/* Subtracts an earlier copy of a meter from a later one; what was recorded in between remains.
 * Owns:    earlier is unchanged.
 * Returns: nothing.
 * Where:   any thread, with two meters that it alone uses.
 */
void weir_meter_subtract(weir_meter *later, const weir_meter *earlier);

/* Counts the durations recorded.
 * Owns:    nothing.
 * Returns: the number.
 * Where:   any thread, with a meter that it alone uses.
 */
uint64_t weir_meter_count(const weir_meter *m);

/* Counts durations at or below d, to the precision of the bucket that d falls in (which is counted if its
 * middle is at or below d).
 * Owns:    nothing.
 * Returns: the number; for d at or beyond the range, all.
 * Where:   any thread, with a meter that it alone uses.
 */
uint64_t weir_meter_count_upto(const weir_meter *m, weir_duration d);

/* Computes a quantile: the duration that a share q (0 to 1) of the recorded ones do not exceed.
 * Owns:    nothing.
 * Returns: within 2 % (or 16 ns) of the exact value; 0 if nothing was recorded. q outside 0 to 1 counts as
 *          the nearer end.
 * Where:   any thread, with a meter that it alone uses.
 */
weir_duration weir_meter_quantile(const weir_meter *m, double q);

/* Computes the middle of a bucket, the duration that stands for all durations in it.
 * Owns:    nothing.
 * Returns: a duration; 0 for bucket 0, which has the durations below 32 ns.
 * Where:   any thread.
 */
weir_duration weir_meter_middle(unsigned bucket);

#ifdef __cplusplus
}
#endif
#endif
