/* SPDX-License-Identifier: MIT */
/* Lines on their way to the log: a ring of bytes from one thread to another, of which neither waits for the
 * other.
 *
 * A line lies in one piece: what does not fit before the end of the ring begins a new lap at its front. So
 * does a line that finds the ring empty, which keeps what is touched small and warm as long as the reader
 * keeps up.
 *
 * Threading: one thread puts, one takes; tail is the latter's, the rest of what changes the former's.
 */
#ifndef WEIR_BASE_LOG_RING_H
#define WEIR_BASE_LOG_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct weir__log_ring {
    /* Positions only grow; a byte lies at position % size. */
    atomic_size_t head;              /* where the next line goes */
    atomic_size_t lap_from, lap_to;  /* the latest lap: nothing lies between the two */
    atomic_bool given_back;          /* nothing more will be put */
    size_t size;                     /* a power of two */
    struct weir__log_ring *next;     /* its owner's */
    _Alignas(64) atomic_size_t tail; /* what is before it has been taken */
    char bytes[];
};

/* Returns: a ring for `size` bytes, a power of two, which free() frees; NULL without memory. */
struct weir__log_ring *weir__log_ring_new(size_t size);

/* Puts n bytes, as a whole. Returns: how full it is then, in bytes; 0: they did not fit, nothing was put. */
size_t weir__log_ring_put(struct weir__log_ring *r, const char *text, size_t n);

/* What lies next, in one piece, whole lines; it stays until it is taken. Returns: its length; 0: none. */
size_t weir__log_ring_peek(struct weir__log_ring *r, const char **text);

/* Gives back the room of the first n bytes of what was peeked at. */
void weir__log_ring_take(struct weir__log_ring *r, size_t n);

/* Ordered after a store the caller has made before, sequentially consistent. */
bool weir__log_ring_is_empty(const struct weir__log_ring *r);

#endif
