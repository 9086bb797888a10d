/* SPDX-License-Identifier: MIT */
/* Bump arenas: memory that follows a request and is freed with it, all at once.
 *
 * Threading: no locks; an arena and the cache it draws on belong to one loop.
 */
#ifndef WEIR_BASE_ARENA_H
#define WEIR_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/account.h"
#include "base/list.h"

#define WEIR__CHUNK_SIZE 4096

struct weir__chunk;

/* A cache of up to max_chunks free chunks. The last used is handed out first, because it is warm. */
struct weir__chunk_cache {
    struct weir__chunk *free;
    size_t count;
    size_t max_chunks;
};

struct weir__arena {
    struct weir__chunk_cache *cache;
    struct weir__chunk *chunks; /* the one in use first */
    struct weir__chunk *bigs;   /* allocations with memory of their own */
    char *at, *end;             /* what is left of the chunk in use */
    size_t used, max_bytes;
    struct weir__account *account; /* counts what the arena holds; or NULL */
    struct weir__list children;
    struct weir__list sibling; /* link in the parent's children */
};

void weir__chunk_cache_init(struct weir__chunk_cache *cache, size_t max_chunks);

/* Gives the free chunks back to the system. The cache stays usable. */
void weir__chunk_cache_drain(struct weir__chunk_cache *cache);

/* Makes an empty arena that hands out at most max_bytes, each allocation rounded up to 16. cache may be NULL.
 */
void weir__arena_init(struct weir__arena *a, struct weir__chunk_cache *cache, size_t max_bytes);

/* Counts what an empty arena takes in an account from now on, until the arena is freed. */
static inline void weir__arena_charge(struct weir__arena *a, struct weir__account *account)
{
    a->account = account;
}

/* Moves an arena without children or parent to where it will stay, perhaps into its own memory. */
void weir__arena_move(struct weir__arena *to, const struct weir__arena *from);

/* Frees the children, then all memory of a; leaves it empty, detached and usable. a itself may lie in its own
 * memory or in its parent's. */
void weir__arena_free(struct weir__arena *a);

/* Frees child with parent from now on. Freeing child earlier detaches it. child must have no parent. */
void weir__arena_attach(struct weir__arena *parent, struct weir__arena *child);

/* Allocates n bytes, aligned to 16, not cleared. n == 0 gives a valid pointer to nothing.
 * Returns: NULL when max_bytes or memory is exhausted. */
void *weir__arena_alloc(struct weir__arena *a, size_t n)
    __attribute__((malloc, alloc_size(2), warn_unused_result));

/* Resizes an allocation of old_n bytes to n, perhaps elsewhere. A large allocation takes its memory along:
 * nothing is left behind. p may be NULL with old_n 0. Returns: NULL: p is as it was. */
void *weir__arena_resize(struct weir__arena *a, void *p, size_t old_n, size_t n)
    __attribute__((warn_unused_result));

/* Allocates count elements of size bytes, cleared. Returns: NULL also if the product overflows. */
void *weir__arena_calloc(struct weir__arena *a, size_t count, size_t size)
    __attribute__((malloc, alloc_size(2, 3), warn_unused_result));

/* Returns: a copy of n bytes with a NUL behind it; NULL as above. */
char *weir__arena_memdup(struct weir__arena *a, const void *p, size_t n) __attribute__((warn_unused_result));

char *weir__arena_strdup(struct weir__arena *a, const char *text) __attribute__((warn_unused_result));

char *weir__arena_printf(struct weir__arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3), warn_unused_result));

#endif
