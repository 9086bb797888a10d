/* SPDX-License-Identifier: MIT */
/* The places from which calls were caught: a table that only grows, up to a maximum.
 *
 * Threading: any thread adds and reads, also in a signal handler. The first finder of a place writes its
 * fields before it is whole; the holder of the lock for naming writes its names before it is named.
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

/* A copy of the stack at the time of the call, to be unwound later by the tables of all libraries. */
struct weir__place_copy {
    atomic_bool is_taken;
    uintptr_t low; /* the address of the first byte, and the stack pointer of the caller */
    uintptr_t fp;  /* the frame pointer of the caller */
    size_t count;
    char bytes[WEIR__PLACE_COPY_BYTES];
};

struct weir__place {
    _Atomic uint64_t key; /* 0: free */
    _Atomic uint64_t count;
    atomic_bool is_whole, is_named;
    /* valid once it is whole */
    int call;
    bool has_route, is_reportable;
    char task[WEIR__PLACE_TEXT_BYTES];
    char route[WEIR__PLACE_TEXT_BYTES];
    const char *waited; /* a literal: what the holder of a lock waited for; NULL: no lock */
    const void *address;
    const void *stack[WEIR__PLACE_STACK_MAX]; /* by frame pointers */
    unsigned depth;
    struct weir__place_copy *copy; /* until it is named; NULL: none was free */
    /* valid once it is named */
    weir_frame frame;   /* of address */
    weir_frame *frames; /* never freed */
    size_t frame_count;
    bool is_reported;
};

struct weir__places {
    atomic_int whole, named; /* the number of such places */
    struct weir__place places[WEIR__PLACES_MAX];
    struct weir__place_copy copies[WEIR__PLACE_COPIES];
};

/* Counts a call from an address. Returns: its place; NULL: the table is full. *is_new: the caller must fill
 * in the place and make it whole. */
struct weir__place *weir__place_count(struct weir__places *table, int call, const void *address,
                                      bool *is_new);

/* Copies a stack from low on, as much as fits. NULL: all copies are in use. */
struct weir__place_copy *weir__place_copy_stack(struct weir__places *table, uintptr_t low, uintptr_t end,
                                                uintptr_t fp);

#endif
