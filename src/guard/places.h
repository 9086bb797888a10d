/* SPDX-License-Identifier: MIT */
/* The places from which calls were caught: a table that only grows, and has an end.
 *
 * Threading: any thread, also in a signal handler, adds and reads. What stands in a place is written by who
 * found it first, before it is whole; its names by who holds the lock of the names, before it is named.
 */
#ifndef WEIR__GUARD_PLACES_H
#define WEIR__GUARD_PLACES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/frame.h>

enum {
    WEIR__PLACES_MAX = 256,
    WEIR__PLACE_STACK_MAX = 32,
    WEIR__PLACE_TEXT_BYTES = 64,
    WEIR__PLACE_COPIES = 8,
    WEIR__PLACE_COPY_BYTES = 16 << 10
};

/* A stack as it was when a call was caught, for who has time to read it by the tables of all its libraries.
 */
struct weir__place_copy {
    atomic_bool is_taken;
    uintptr_t low; /* where its first byte was: what the caller of the call had for its stack pointer */
    uintptr_t fp;  /* … and for its frame */
    size_t count;
    char bytes[WEIR__PLACE_COPY_BYTES];
};

struct weir__place {
    _Atomic uint64_t key; /* 0: free */
    _Atomic uint64_t count;
    atomic_bool is_whole, is_named;
    /* once it is whole */
    int call;
    bool has_route, to_be_told;
    char task[WEIR__PLACE_TEXT_BYTES];
    char route[WEIR__PLACE_TEXT_BYTES];
    const char *waited; /* a literal; NULL: no lock */
    const void *address;
    const void *stack[WEIR__PLACE_STACK_MAX]; /* as far as frame pointers go */
    unsigned depth;
    struct weir__place_copy *copy; /* until it is named; or NULL: there was none to be had */
    /* once it is named */
    weir_frame where;   /* of address */
    weir_frame *frames; /* for ever */
    size_t frame_count;
    bool is_told;
};

struct weir__places {
    atomic_int whole, named; /* how many */
    struct weir__place places[WEIR__PLACES_MAX];
    struct weir__place_copy copies[WEIR__PLACE_COPIES];
};

/* Counts one more call from there. Returns: its place, *is_new when it is for the caller to describe and to
 * make whole; NULL when the table is full. */
struct weir__place *weir__place_count(struct weir__places *table, int call, const void *address,
                                      bool *is_new);

/* Copies a stack from low on, as much as there is room for. NULL: all copies are in use. */
struct weir__place_copy *weir__place_copy_stack(struct weir__places *table, uintptr_t low, uintptr_t end,
                                                uintptr_t fp);

#endif
