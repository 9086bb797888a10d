/* SPDX-License-Identifier: MIT */
/* What a request holds of a backend, from its admission to its end.
 *
 * Threading: the loop's.
 */
#ifndef WEIR__BACKEND_USE_H
#define WEIR__BACKEND_USE_H

#include <stdbool.h>
#include <stdint.h>

struct weir_backend;
struct weir__instance;

struct weir__backend_use {
    struct weir_backend *backend;    /* NULL: none, or it has left */
    struct weir__instance *instance; /* NULL: none is chosen */
    uint32_t began;                  /* when it was, see weir__backend_time(); 0: there is no limit */
    uint8_t number;                  /* of the instance */
    bool is_probe;                   /* of the breaker */
    bool is_counted;                 /* how it ended */
};

/* An instant in about two microseconds, its low bits, never 0: for differences of up to an hour. */
static inline uint32_t weir__backend_time(int64_t now_ns)
{
    return (uint32_t)(now_ns >> 10) | 1;
}

#endif
