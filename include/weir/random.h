/* Randomness for delays, jitter and choices; not for secrets.
 *
 * Threading: each loop has its own generator; a thread that is no loop has one too. Under simulation the
 * loop's is seeded, so that a run can be repeated. Nothing here waits.
 */
#ifndef WEIR_RANDOM_H
#define WEIR_RANDOM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sixty-four random bits.
 * Owns:    nothing.
 * Returns: any value, all equally likely; never fails.
 * Where:   any thread.
 */
uint64_t weir_random_u64(void);

/* A random number below n, without bias.
 * Owns:    nothing.
 * Returns: 0 to n - 1; 0 if n is 0.
 * Where:   any thread.
 */
uint64_t weir_random_below(uint64_t n);

#ifdef __cplusplus
}
#endif
#endif
