/* SPDX-License-Identifier: MIT */
/* Stacks: reserved in large arenas, each with a guard page at its low end, reused last-in-first-out.
 *
 * Threading: one weir__stacks for each loop, used by its thread alone.
 *
 * The guard is a MADV_GUARD_INSTALL where the kernel has it (Linux >= 6.13): no mapping is split, so a
 * million stacks are possible. Elsewhere it is an mprotect, and vm.max_map_count ends it near 32 000.
 */
#ifndef WEIR__STACK_H
#define WEIR__STACK_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum weir__guard_type { WEIR__GUARD_BEST, WEIR__GUARD_MADVISE, WEIR__GUARD_MPROTECT };

/* An arena of stacks. Another thread may walk the arenas and the stacks made in them, while the loop lives.
 */
struct weir__stack_arena {
    struct weir__stack_arena *next;
    char *memory;
    size_t bytes;
    size_t count;         /* of stacks it has room for */
    atomic_size_t unused; /* the number at the low end that were never made */
};

struct weir__stacks {
    size_t bytes;       /* of each, guard included */
    size_t stride;      /* from one to the next: an odd number of pages, so that the cache sets of their tops
                           differ */
    size_t guard_bytes; /* a page */
    unsigned page_bits;
    size_t count; /* made so far */
    size_t count_max;
    enum weir__guard_type guard;
    _Atomic(struct weir__stack_arena *) arenas; /* the newest first */
    char **idle;                                /* stacks of finished tasks, the warmest last */
    size_t idle_count, idle_capacity;
    size_t idle_low; /* fewest idle since the last trim: those were not needed */
    size_t trimmed;  /* the number at the cold end that hold no memory; never more than idle_low */
};

/* bytes: a multiple of the page size, at least four pages. */
int weir__stacks_init(struct weir__stacks *s, size_t bytes, size_t count_max, enum weir__guard_type guard)
    __attribute__((warn_unused_result));
void weir__stacks_free(struct weir__stacks *s);

/* Makes a stack that did not exist before; otherwise as weir__stack_take(). */
char *weir__stack_make(struct weir__stacks *s);

/* Returns: the lowest address of a stack; NULL: no memory, no mapping, or count_max reached. */
static inline char *weir__stack_take(struct weir__stacks *s)
{
    if (s->idle_count == 0)
        return weir__stack_make(s);
    s->idle_count--;
    if (s->idle_low > s->idle_count) {
        s->idle_low = s->idle_count;
        if (s->trimmed > s->idle_low)
            s->trimmed = s->idle_low;
    }
    return s->idle[s->idle_count];
}

/* Gives a stack back. It may be the one the caller runs on, if nothing is taken before the caller leaves it.
 */
static inline void weir__stack_give(struct weir__stacks *s, char *base)
{
    assert(s->idle_count < s->count);
    s->idle[s->idle_count++] = base;
}

/* Returns to the system the memory of up to `most` stacks that have lain idle since the last call. */
size_t weir__stacks_trim(struct weir__stacks *s, size_t most);

#endif
