/* SPDX-License-Identifier: MIT */
#include <weir/histogram.h>

#include <string.h>

#define SUB_BITS WEIR_HISTOGRAM_SUB_BITS
#define SUBS (1 << SUB_BITS)
#define BUCKETS WEIR_HISTOGRAM_BUCKETS

static unsigned bucket_of(int64_t ns)
{
    uint64_t v = (uint64_t)ns;
    unsigned exponent;
    unsigned sub;

    if (v < SUBS)
        return (unsigned)v;
    if (v >> WEIR_HISTOGRAM_TOP_BITS)
        return BUCKETS - 1;
    exponent = 63U - (unsigned)__builtin_clzll(v);
    sub = (unsigned)(v >> (exponent - SUB_BITS)) & (SUBS - 1);
    return ((exponent - SUB_BITS + 1) << SUB_BITS) + sub;
}

static int64_t middle_of(unsigned bucket)
{
    unsigned shift;
    int64_t first;

    if (bucket < SUBS)
        return bucket;
    shift = (bucket >> SUB_BITS) - 1;
    first = (int64_t)(SUBS + (bucket & (SUBS - 1))) << shift;
    return first + (((int64_t)1 << shift) - 1) / 2;
}

void weir_histogram_init(weir_histogram *h)
{
    memset(h, 0, sizeof *h);
    h->min_ns = INT64_MAX;
}

void weir_histogram_reset(weir_histogram *h)
{
    weir_histogram_init(h);
}

void weir_histogram_record(weir_histogram *h, weir_duration d)
{
    int64_t ns = d.ns > 0 ? d.ns : 0;

    h->count++;
    h->sum_ns += (double)ns;
    if (ns < h->min_ns)
        h->min_ns = ns;
    if (ns > h->max_ns)
        h->max_ns = ns;
    h->buckets[bucket_of(ns)]++;
}

void weir_histogram_add(weir_histogram *sum, const weir_histogram *other)
{
    sum->count += other->count;
    sum->sum_ns += other->sum_ns;
    if (other->min_ns < sum->min_ns)
        sum->min_ns = other->min_ns;
    if (other->max_ns > sum->max_ns)
        sum->max_ns = other->max_ns;
    for (unsigned i = 0; i < BUCKETS; i++)
        sum->buckets[i] += other->buckets[i];
}

/* Returns: the rank of the quantile among the recorded values, counted from 1 in ascending order. */
static uint64_t rank_of(const weir_histogram *h, double q)
{
    double exact = q * (double)h->count;
    uint64_t rank = (uint64_t)exact;

    if (exact - (double)rank > exact * 1e-12) /* 0.07 × 100 is a little above 7 */
        rank++;
    return rank > 0 ? rank : 1;
}

weir_duration weir_histogram_quantile(const weir_histogram *h, double q)
{
    weir_duration d;
    uint64_t seen;
    unsigned bucket;
    uint64_t rank;

    if (h->count == 0 || !(q > 0))
        return weir_histogram_min(h);
    rank = q < 1 ? rank_of(h, q) : h->count;
    if (rank >= h->count)
        return weir_histogram_max(h);
    seen = 0;
    bucket = 0;
    for (; bucket < BUCKETS - 1; bucket++) {
        seen += h->buckets[bucket];
        if (seen >= rank)
            break;
    }
    d = (weir_duration){middle_of(bucket)};
    if (d.ns < h->min_ns)
        d.ns = h->min_ns;
    if (d.ns > h->max_ns)
        d.ns = h->max_ns;
    return d;
}

uint64_t weir_histogram_count_upto(const weir_histogram *h, weir_duration d)
{
    uint64_t n;
    unsigned last;

    if (d.ns < 0)
        return 0;
    n = 0;
    last = bucket_of(d.ns);
    for (unsigned i = 0; i <= last; i++)
        n += h->buckets[i];
    return n;
}

static weir_duration duration_of(double ns)
{
    weir_duration d = {ns < 9.2e18 ? (int64_t)(ns + 0.5) : INT64_MAX};

    return d;
}

weir_duration weir_histogram_sum(const weir_histogram *h)
{
    return duration_of(h->sum_ns);
}

weir_duration weir_histogram_mean(const weir_histogram *h)
{
    return duration_of(h->count > 0 ? h->sum_ns / (double)h->count : 0);
}

weir_duration weir_histogram_min(const weir_histogram *h)
{
    weir_duration d = {h->count > 0 ? h->min_ns : 0};

    return d;
}

weir_duration weir_histogram_max(const weir_histogram *h)
{
    weir_duration d = {h->max_ns};

    return d;
}
