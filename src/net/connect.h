/* SPDX-License-Identifier: MIT */
/* Connecting to one of several addresses.
 *
 * Threading: as <weir/stream.h>.
 */
#ifndef WEIR__CONNECT_H
#define WEIR__CONNECT_H

#include <stddef.h>

#include "net/address.h"
#include "net/stream.h"

/* Tries addresses in their order, each 250 ms after the one before or as soon as that has failed. The first
 * connection wins, the other attempts are given up. count: 1 to WEIR__ADDRESSES_MAX.
 * Returns: 0; the error of the last address tried; the scope's code. Waits. */
int weir__connect_first(const struct weir__address *addresses, int count, size_t extra_bytes,
                        weir_stream **out) WEIR_CHECKED;

/* What came of a failed weir__connect_noting(). */
struct weir__connect_note {
    bool is_resolving; /* the name was still being looked up */
    const char *why;   /* after -WEIR_EDNS: what was wrong, kept as long as the runtime; else NULL */
};

/* weir__connect() (stream.h), with a note. */
int weir__connect_noting(const char *address, size_t extra_bytes, weir_stream **out,
                         struct weir__connect_note *note) WEIR_CHECKED;

#endif
