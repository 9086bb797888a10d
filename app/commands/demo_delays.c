/* SPDX-License-Identifier: MIT */
#include "commands/demo_delays.h"

#include <math.h>

enum { FAILS_ONE_IN = 20 };

static const double median_ns = 12e6, p99_ns = 80e6, most_ns = 2e9;
static const double p99_of_normal =
    2.3263478740408408; /* the standard normal is below this 99 times in 100 */
static const double two_pi = 6.283185307179586;

/* Steele, Lea and Flood's finaliser: neighbouring inputs give unrelated bits. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint64_t draw(uint64_t seed, unsigned service, uint64_t number, uint64_t which)
{
    return mix(mix(mix(seed) ^ (service * 4 + which)) ^ number);
}

/* In (0, 1]. */
static double uniform(uint64_t bits)
{
    return (double)((bits >> 11) + 1) * 0x1p-53;
}

weir_duration demo_delay(uint64_t seed, unsigned service, uint64_t number)
{
    double radius = sqrt(-2 * log(uniform(draw(seed, service, number, 0))));
    double normal = radius * cos(two_pi * uniform(draw(seed, service, number, 1)));
    double ns = median_ns * exp(normal * log(p99_ns / median_ns) / p99_of_normal);

    return (weir_duration){(int64_t)fmin(ns, most_ns)};
}

bool demo_fails(uint64_t seed, unsigned service, uint64_t number)
{
    return draw(seed, service, number, 2) % FAILS_ONE_IN == 0;
}
