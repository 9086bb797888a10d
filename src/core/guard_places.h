/* The places from which calls were caught: a table that only grows, and has an end.
 *
 * Threading: any thread, also in a signal handler, adds and reads. A place is seen by readers once it is
 * whole.
 */
#ifndef WEIR__GUARD_PLACES_H
#define WEIR__GUARD_PLACES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { WEIR__PLACES_MAX = 256, WEIR__PLACE_STACK_MAX = 32, WEIR__PLACE_TEXT_BYTES = 64 };

struct weir__place {
    _Atomic uint64_t key; /* 0: free */
    _Atomic uint64_t count;
    atomic_bool whole; /* what follows is written, and is not written again */
    int call;
    bool has_route;
    char task[WEIR__PLACE_TEXT_BYTES];
    char route[WEIR__PLACE_TEXT_BYTES];
    const char *waited; /* a literal; NULL: no lock */
    const void *address;
    const void *stack[WEIR__PLACE_STACK_MAX];
    unsigned depth;
};

struct weir__places {
    struct weir__place places[WEIR__PLACES_MAX];
};

/* Counts one more call from there. Returns: its place, *is_new when it is for the caller to describe and to
 * make whole; NULL when the table is full. */
struct weir__place *weir__place_count(struct weir__places *table, int call, const void *address,
                                      bool *is_new);

#endif
