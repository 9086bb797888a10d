/* SPDX-License-Identifier: MIT */
/* How long a server keeps a connection, as its Keep-Alive field says it.
 *
 * Threading: pure functions over the caller's memory.
 */
#ifndef WEIR__HTTP_CLIENT_KEEP_ALIVE_H
#define WEIR__HTTP_CLIENT_KEEP_ALIVE_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/buffer.h>

enum { WEIR__KEEP_ALIVE_SECONDS_MAX = 300 }; /* that are believed */

struct weir__keep_alive {
    bool ends; /* the connection is not to be kept */
    int64_t
        unused_ns; /* how long it may lie unused: a second less than the server says; 0: it says nothing */
};

/* Adds what one field says ("timeout=5, max=100") to what is known. Elements that can't be understood are
 * passed over. */
void weir__keep_alive_read(struct weir__keep_alive *known, weir_bytes value);

#endif
