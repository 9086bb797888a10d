/* SPDX-License-Identifier: MIT */
/* A count of the memory that all threads hold for one purpose, kept so that a thread seldom touches what
 * they share.
 *
 * Threading: an account belongs to one thread; the sum is shared.
 */
#ifndef WEIR_BASE_ACCOUNT_H
#define WEIR_BASE_ACCOUNT_H

#include <stdatomic.h>
#include <stddef.h>

enum { WEIR__ACCOUNT_BATCH_BYTES = 256 << 10 };

struct weir__account {
    _Atomic size_t *sum; /* the memory of all accounts, and what each has in hand */
    size_t in_hand;      /* taken from the sum and not held: at most two batches */
};

static inline void weir__account_init(struct weir__account *a, _Atomic size_t *sum)
{
    a->sum = sum;
    a->in_hand = 0;
}

static inline void weir__account_take(struct weir__account *a, size_t bytes)
{
    if (bytes > a->in_hand) {
        size_t more = bytes - a->in_hand + WEIR__ACCOUNT_BATCH_BYTES;
        atomic_fetch_add_explicit(a->sum, more, memory_order_relaxed);
        a->in_hand += more;
    }
    a->in_hand -= bytes;
}

static inline void weir__account_give(struct weir__account *a, size_t bytes)
{
    a->in_hand += bytes;
    if (a->in_hand > 2 * WEIR__ACCOUNT_BATCH_BYTES) {
        size_t less = a->in_hand - WEIR__ACCOUNT_BATCH_BYTES;
        atomic_fetch_sub_explicit(a->sum, less, memory_order_relaxed);
        a->in_hand -= less;
    }
}

/* Returns: what all accounts hold, and at most what they have in hand. */
static inline size_t weir__account_sum(const struct weir__account *a)
{
    return atomic_load_explicit(a->sum, memory_order_relaxed);
}

#endif
