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
    uint32_t began_us;               /* when it was; the low bits */
    uint8_t number;                  /* of the instance */
    bool is_probe;                   /* of the breaker */
    bool is_counted;                 /* how it ended */
};

#endif
