/* SPDX-License-Identifier: MIT */
#include "base/random.h"

#include <math.h>

static uint64_t rotate_left(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

/* splitmix64: never leaves the state all zero, which xoshiro could not leave. */
void weir__random_seed(struct weir__random *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z;

        seed += 0x9e3779b97f4a7c15U;
        z = seed;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        r->state[i] = z ^ (z >> 31);
    }
}

uint64_t weir__random_u64(struct weir__random *r)
{
    uint64_t *s = r->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* Rejects the few lowest values, so that the rest divides evenly by n. */
uint64_t weir__random_below(struct weir__random *r, uint64_t n)
{
    uint64_t refused, x;

    if (n == 0)
        return 0;
    refused = (0 - n) % n; /* 2^64 mod n */
    do {
        x = weir__random_u64(r);
    } while (x < refused);
    return x % n;
}

double weir__random_double(struct weir__random *r)
{
    return (double)(weir__random_u64(r) >> 11) * 0x1p-53;
}

/* Box and Muller. Their second value is not kept, so that the state is complete. */
double weir__random_normal(struct weir__random *r)
{
    double u = 1 - weir__random_double(r); /* not 0 */
    double v = weir__random_double(r);

    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}
