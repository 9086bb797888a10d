/* SPDX-License-Identifier: MIT */
/* xoshiro256**: a small, fast, seeded generator; the same seed gives the same run. Not for secrets.
 *
 * Threading: no locks; a generator belongs to one loop or thread.
 */
#ifndef WEIR_BASE_RANDOM_H
#define WEIR_BASE_RANDOM_H

#include <stdint.h>

struct weir__random {
    uint64_t state[4];
};

/* Seeds the generator. Any seed will do, also 0: it is spread over the state first. */
void weir__random_seed(struct weir__random *r, uint64_t seed);

uint64_t weir__random_u64(struct weir__random *r);

/* Returns: 0 to n - 1 without bias; 0 if n is 0. */
uint64_t weir__random_below(struct weir__random *r, uint64_t n);

/* Returns: 0 inclusive to 1 exclusive, in steps of 2^-53. */
double weir__random_double(struct weir__random *r);

/* Returns: a normally distributed number: mean 0, deviation 1. */
double weir__random_normal(struct weir__random *r);

#endif
