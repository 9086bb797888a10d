/* SPDX-License-Identifier: MIT */
/* Random numbers for delays, jitter and choices; not for secrets.
 *
 * Threading: each loop has its own generator, seeded by weir_options.seed, so that a run under simulation
 * can be repeated. Nothing here waits.
 */
#ifndef WEIR_RANDOM_H
#define WEIR_RANDOM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Draws 64 random bits.
 * Returns: any value, all equally likely; never fails.
 * Where:   task. Does not wait.
 */
uint64_t weir_random_u64(void);

/* Draws a random number below n, without bias.
 * Returns: 0 to n - 1; 0 if n is 0.
 * Where:   task. Does not wait.
 */
uint64_t weir_random_below(uint64_t n);

#ifdef __cplusplus
}
#endif
#endif
