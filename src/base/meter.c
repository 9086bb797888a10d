/* SPDX-License-Identifier: MIT */
#include <weir/meter.h>

#define UNIT_BITS WEIR_METER_UNIT_BITS
#define SUB_BITS WEIR_METER_SUB_BITS
#define SUBS (1U << SUB_BITS)
#define BUCKETS WEIR_METER_BUCKETS

weir_duration weir_meter_middle(unsigned bucket)
{
    unsigned shift;
    int64_t units;
    int64_t width;

    if (bucket == 0)
        return (weir_duration){0};
    shift = bucket < SUBS ? 0 : (bucket >> SUB_BITS) - 1;
    units = bucket < SUBS ? bucket : SUBS + (bucket & (SUBS - 1));
    width = INT64_C(1) << (shift + UNIT_BITS);
    return (weir_duration){units * width + (width - 1) / 2};
}

void weir_meter_add(weir_meter *sum, const weir_meter *other)
{
    sum->sum_ns += __atomic_load_n(&other->sum_ns, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < BUCKETS; i++)
        sum->buckets[i] += __atomic_load_n(&other->buckets[i], __ATOMIC_RELAXED);
}

void weir_meter_subtract(weir_meter *later, const weir_meter *earlier)
{
    later->sum_ns -= earlier->sum_ns;
    for (unsigned i = 0; i < BUCKETS; i++)
        later->buckets[i] -= earlier->buckets[i];
}

uint64_t weir_meter_count(const weir_meter *m)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < BUCKETS; i++)
        n += m->buckets[i];
    return n;
}

uint64_t weir_meter_count_upto(const weir_meter *m, weir_duration d)
{
    bool whole;
    uint64_t n;
    unsigned last;

    if (d.ns < 0)
        return 0;
    n = 0;
    last = weir_meter_bucket((uint64_t)d.ns);
    for (unsigned i = 0; i < last; i++)
        n += m->buckets[i];
    whole = last == BUCKETS - 1 || weir_meter_middle(last).ns <= d.ns;
    return whole ? n + m->buckets[last] : n;
}

/* Returns: the rank of the quantile among the recorded values, counted from 1 in ascending order. */
static uint64_t rank_of(uint64_t count, double q)
{
    double exact;
    uint64_t rank;

    if (!(q > 0))
        return 1;
    if (q >= 1)
        return count;
    exact = q * (double)count;
    rank = (uint64_t)exact;
    if (exact - (double)rank > exact * 1e-12) /* 0.07 × 100 is a little above 7 */
        rank++;
    return rank > 0 ? rank : 1;
}

weir_duration weir_meter_quantile(const weir_meter *m, double q)
{
    uint64_t count = weir_meter_count(m), seen = 0;
    uint64_t rank;
    unsigned bucket;

    if (count == 0)
        return (weir_duration){0};
    rank = rank_of(count, q);
    bucket = 0;
    for (; bucket < BUCKETS - 1; bucket++) {
        seen += m->buckets[bucket];
        if (seen >= rank)
            break;
    }
    return weir_meter_middle(bucket);
}
