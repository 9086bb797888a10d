/* SPDX-License-Identifier: MIT */
/* Services with a long tail, as all figures of second attempts have them: delays are log-normal, with a
 * median of 12 ms and a 99th percentile of 80 ms. A page asks twelve of them. */
#ifndef TEST_SUPPORT_TAIL_H
#define TEST_SUPPORT_TAIL_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/random.h"

enum { TAIL_CALLS = 12 };

/* The delay that so many standard deviations above the median are: 1.6449 for the 95th percentile. */
static inline int64_t tail_delay_at_ns(double deviations)
{
    const double deviation = log(80.0 / 12) / 2.3263478740408408;

    return (int64_t)(12e6 * exp(deviations * deviation));
}

static inline int64_t tail_p95_ns(void)
{
    return tail_delay_at_ns(1.6448536269514722);
}

/* The 99th percentile of a page without second attempts, whose calls are all below it: 0.99 to the power of
 * 1/12 is 3.1426 deviations above the median. Few pages show it with an error of several percent. */
static inline int64_t tail_page_p99_ns(void)
{
    return tail_delay_at_ns(3.1426333);
}

/* The delay of an attempt, from 0, of a page's call. The same whatever else happens with this seed, so that
 * runs with and without second attempts can be compared. */
static inline int64_t tail_delay_ns(uint64_t seed, uint64_t page, int service, int attempt)
{
    struct weir__random r;

    weir__random_seed(&r, seed << 48 ^ page << 8 ^ (uint64_t)service << 1 ^ (uint64_t)attempt);
    return tail_delay_at_ns(weir__random_normal(&r));
}

static inline int tail_by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Sorts values, of which there is one at least. Returns: the one that a share q of them do not exceed. */
static inline int64_t tail_quantile(int64_t *values, size_t count, double q)
{
    qsort(values, count, sizeof *values, tail_by_value);
    return values[(size_t)(q * (double)(count - 1))];
}

#endif
