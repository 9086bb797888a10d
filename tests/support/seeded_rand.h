/* SPDX-License-Identifier: MIT */
/* Randomness of OpenSSL from a seed, so that a simulation with TLS can be run again.
 *
 * Threading: for programs whose one thread uses OpenSSL meanwhile.
 */
#ifndef TEST_SUPPORT_SEEDED_RAND_H
#define TEST_SUPPORT_SEEDED_RAND_H

#include <stdint.h>

void seeded_rand_begin(uint64_t seed);
void seeded_rand_end(void);

#endif
