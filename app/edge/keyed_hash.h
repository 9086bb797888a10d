/* SPDX-License-Identifier: MIT */
/* SipHash (Aumasson and Bernstein, 2012): a hash that a sender of keys can't aim at one place of a table, as
 * long as the seed is not known to it.
 *
 * Threading: pure functions.
 */
#ifndef APP_EDGE_KEYED_HASH_H
#define APP_EDGE_KEYED_HASH_H

#include <stddef.h>
#include <stdint.h>

/* SipHash-1-3, as hash tables use it. */
uint64_t keyed_hash(const uint64_t seed[2], const void *data, size_t bytes);

/* As strong, of a number alone: without the length, which is always the same. */
uint64_t keyed_hash_number(const uint64_t seed[2], uint64_t number);

/* SipHash-2-4: the form with published test vectors. */
uint64_t keyed_hash_2_4(const uint64_t seed[2], const void *data, size_t bytes);

#endif
