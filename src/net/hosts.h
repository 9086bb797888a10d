/* SPDX-License-Identifier: MIT */
/* The hosts file: hosts(5).
 *
 * Threading: pure functions, but for reading the file, which blocks for as long as a small local file takes.
 */
#ifndef WEIR__HOSTS_H
#define WEIR__HOSTS_H

#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#include "net/address.h"

enum {
    WEIR__HOSTS_BYTES_MAX = 256 << 10
}; /* the rest of a larger file is not read, so that no loop waits for it */

/* The addresses of a name in the text of a hosts file, in its order; at most `most`.
 * Returns: their number, perhaps 0. */
int weir__hosts_find(const char *hosts, size_t len, const char *name, uint16_t port,
                     struct weir__address *out, int most) WEIR_CHECKED;

/* The same of a file. One that can't be read has no names. */
int weir__hosts_read(const char *path, const char *name, uint16_t port,
                     struct weir__address out[WEIR__ADDRESSES_MAX]) WEIR_CHECKED;

#endif
