/* SPDX-License-Identifier: MIT */
#include "metrics/exemplars.h"

#include <time.h>

const struct bucket_bound bucket_bounds[BUCKET_BOUNDS] = {
    {"0.0001", "0.0001", 100}, {"0.00025", "0.00025", 250}, {"0.0005", "0.0005", 500},
    {"0.001", "0.001", 1000},  {"0.0025", "0.0025", 2500},  {"0.005", "0.005", 5000},
    {"0.01", "0.01", 10000},   {"0.025", "0.025", 25000},   {"0.05", "0.05", 50000},
    {"0.1", "0.1", 100000},    {"0.25", "0.25", 250000},    {"0.5", "0.5", 500000},
    {"1", "1.0", 1000000},     {"2.5", "2.5", 2500000},     {"5", "5.0", 5000000},
    {"10", "10.0", 10000000},  {"30", "30.0", 30000000},
};

unsigned bucket_of(weir_duration took)
{
    unsigned i = 0;

    while (i < BUCKET_BOUNDS && took.ns > bucket_bounds[i].us * 1000)
        i++;
    return i;
}

static void set(_Atomic uint64_t *n, uint64_t value)
{
    atomic_store_explicit(n, value, memory_order_release);
}

static uint64_t get(const _Atomic uint64_t *n)
{
    return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)n, memory_order_acquire);
}

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void exemplars_keep(struct exemplars *exemplars, weir_duration took, const weir_trace *trace)
{
    const unsigned i = bucket_of(took);
    const uint64_t version = get(&exemplars->buckets[i].version);

    atomic_store(&exemplars->buckets[i].version, version + 1);
    set(&exemplars->buckets[i].id_high, trace->id_high);
    set(&exemplars->buckets[i].id_low, trace->id_low);
    set(&exemplars->buckets[i].took_ns, (uint64_t)took.ns);
    set(&exemplars->buckets[i].at_ms, now_ms());
    set(&exemplars->buckets[i].version, version + 2);
}

bool exemplars_read(const struct exemplars *exemplars, unsigned bucket, struct exemplar *out)
{
    const uint64_t version = get(&exemplars->buckets[bucket].version);

    *out = (struct exemplar){
        .trace = {.id_high = get(&exemplars->buckets[bucket].id_high),
                  .id_low = get(&exemplars->buckets[bucket].id_low)},
        .took = {(int64_t)get(&exemplars->buckets[bucket].took_ns)},
        .at_ms = get(&exemplars->buckets[bucket].at_ms),
    };
    return version > 0 && version % 2 == 0 && get(&exemplars->buckets[bucket].version) == version;
}
