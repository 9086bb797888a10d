/* SPDX-License-Identifier: MIT */
/* The bytes at the end of an option structure, for fields of later versions: see docs/abi.md.
 *
 * Threading: any thread.
 */
#ifndef WEIR__BASE_RESERVED_H
#define WEIR__BASE_RESERVED_H

#include <stdbool.h>
#include <stddef.h>

/* Reports whether reserved bytes are zero; otherwise the caller uses a field that this version does not have.
 */
static inline bool weir__reserved_is_zero(const unsigned char *bytes, size_t n)
{
    unsigned char any = 0;

    for (size_t i = 0; i < n; i++)
        any |= bytes[i];
    return any == 0;
}

#endif
