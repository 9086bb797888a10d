/* SPDX-License-Identifier: MIT */
/* A hash of several pieces: begins with WEIR__HASH, and each piece is added. The same in all processes and on
 * all machines of one byte order.
 *
 * Threading: pure.
 */
#ifndef WEIR_BASE_HASH_H
#define WEIR_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WEIR__HASH UINT64_C(14695981039346656037)

/* The finalizer of MurmurHash3: each bit of the hash moves each bit of the result. */
static inline uint64_t weir__hash_mix(uint64_t h)
{
    h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 33;
}

static inline uint64_t weir__hash_add(uint64_t hash, const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(1099511628211); /* FNV-1a */
    return weir__hash_mix(hash);
}

static inline uint64_t weir__hash_number(uint64_t hash, int64_t n)
{
    return weir__hash_add(hash, &n, sizeof n);
}

/* With its end, so that two texts in a row are not one. NULL is not the empty text. */
static inline uint64_t weir__hash_text(uint64_t hash, const char *text)
{
    return text != NULL ? weir__hash_add(hash, text, strlen(text) + 1) : weir__hash_number(hash, -1);
}

#endif
