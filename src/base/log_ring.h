/* SPDX-License-Identifier: MIT */
/* A ring of log lines from one thread to another, without waiting on either side.
 *
 * A line lies in one piece: a line that does not fit before the end of the ring begins a new lap at its
 * front. So does a line that finds the ring empty, which keeps the used part small and warm as long as the
 * reader keeps up.
 *
 * Threading: one thread puts, one takes; tail belongs to the reader, the rest of what changes to the writer.
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
    atomic_bool given_back;          /* the writer will put nothing more */
    size_t size;                     /* a power of two */
    struct weir__log_ring *next;     /* for the owner of the ring */
    _Alignas(64) atomic_size_t tail; /* what is before it has been taken */
    char bytes[];
};

/* Returns: a ring for `size` bytes, a power of two, which free() frees; NULL without memory. */
struct weir__log_ring *weir__log_ring_new(size_t size);

/* Puts n bytes in one piece. Returns: how many bytes the ring holds then; 0: they did not fit, nothing was
 * put. */
size_t weir__log_ring_put(struct weir__log_ring *r, const char *text, size_t n);

/* Points to the next whole lines, in one piece; they stay until taken. Returns: their length; 0: there are
 * none. */
size_t weir__log_ring_peek(struct weir__log_ring *r, const char **text);

/* Takes the first n bytes of what was peeked at. */
void weir__log_ring_take(struct weir__log_ring *r, size_t n);

/* Reports whether nothing lies in the ring. Ordered after an earlier store of the caller, sequentially
 * consistent. */
bool weir__log_ring_is_empty(const struct weir__log_ring *r);

#endif
