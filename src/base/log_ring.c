/* SPDX-License-Identifier: MIT */
#include "base/log_ring.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { WARM_BYTES = 32 << 10, LINE_ALIGN = 64 };

struct weir__log_ring *weir__log_ring_new(size_t size)
{
    struct weir__log_ring *r = aligned_alloc(LINE_ALIGN, sizeof *r + size);

    if (r == NULL)
        return NULL;
    memset(r, 0, sizeof *r); /* the bytes are not touched before they are used */
    r->size = size;
    atomic_init(&r->lap_from, SIZE_MAX);
    return r;
}

/* Returns: the position for n bytes in one piece. */
static size_t start_of(const struct weir__log_ring *r, size_t head, size_t tail, size_t n)
{
    size_t at = head & (r->size - 1);
    bool fits = n <= r->size - at;

    if (fits && (at < WARM_BYTES || tail != head))
        return head;
    return fits && at < n ? head : head + (r->size - at);
}

size_t weir__log_ring_put(struct weir__log_ring *r, const char *text, size_t n)
{
    size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    size_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
    size_t start;

    /* Then the reader has yet to see the new lap. */
    if (tail == atomic_load_explicit(&r->lap_from, memory_order_relaxed))
        tail = atomic_load_explicit(&r->lap_to, memory_order_relaxed);
    start = start_of(r, head, tail, n);
    if (n == 0 || n > r->size || start + n - tail > r->size)
        return 0;
    if (start != head) { /* the reader has passed the lap before: else there were no room for this one */
        atomic_store_explicit(&r->lap_from, head, memory_order_relaxed);
        atomic_store_explicit(&r->lap_to, start, memory_order_relaxed);
    }
    memcpy(r->bytes + (start & (r->size - 1)), text, n);
    atomic_store(&r->head,
                 start + n); /* sequentially consistent: a reader that falls asleep looks at it once more */
    return start + n - tail;
}

size_t weir__log_ring_peek(struct weir__log_ring *r, const char **text)
{
    size_t head = atomic_load_explicit(&r->head, memory_order_acquire);
    size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    size_t lap, at, end = head;

    if (head == tail)
        return 0;
    lap = atomic_load_explicit(&r->lap_from, memory_order_relaxed);
    if (tail == lap) {
        tail = atomic_load_explicit(&r->lap_to, memory_order_relaxed);
        atomic_store_explicit(&r->tail, tail, memory_order_release);
    } else if (tail < lap && lap < head) {
        end = lap;
    }
    at = tail & (r->size - 1);
    *text = r->bytes + at;
    return end - tail < r->size - at ? end - tail : r->size - at; /* a line may end where the ring does */
}

void weir__log_ring_take(struct weir__log_ring *r, size_t n)
{
    size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

    atomic_store_explicit(&r->tail, tail + n, memory_order_release);
}

bool weir__log_ring_is_empty(const struct weir__log_ring *r)
{
    return atomic_load(&r->head) == atomic_load_explicit(&r->tail, memory_order_relaxed);
}
