/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sanitizer.h"

/* Poisons memory that was not handed out, so that ASan sees a use beyond an allocation and after its arena.
 */
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

#define ALIGNMENT 16
#define BIG (WEIR__CHUNK_SIZE / 4) /* so at most a quarter of a chunk is left unused at its end */

struct weir__chunk {
    struct weir__chunk *next;
    size_t size; /* of what follows */
    _Alignas(ALIGNMENT) char data[];
};

#define CHUNK_ROOM (WEIR__CHUNK_SIZE - sizeof(struct weir__chunk))

static struct weir__chunk *new_chunk(size_t size)
{
    struct weir__chunk *c = size <= SIZE_MAX - sizeof *c ? malloc(sizeof *c + size) : NULL;

    if (c == NULL)
        return NULL;
    c->size = size;
    POISON(c->data, size);
    return c;
}

static void release_chunk(struct weir__chunk *c)
{
    UNPOISON(c->data, c->size);
    free(c);
}

void weir__chunk_cache_init(struct weir__chunk_cache *cache, size_t max_chunks)
{
    cache->free = NULL;
    cache->count = 0;
    cache->max_chunks = max_chunks;
}

void weir__chunk_cache_drain(struct weir__chunk_cache *cache)
{
    while (cache->free != NULL) {
        struct weir__chunk *c = cache->free;
        cache->free = c->next;
        release_chunk(c);
    }
    cache->count = 0;
}

static struct weir__chunk *take_chunk(struct weir__chunk_cache *cache)
{
    struct weir__chunk *c;

    if (cache == NULL || cache->free == NULL)
        return new_chunk(CHUNK_ROOM);
    c = cache->free;
    cache->free = c->next;
    cache->count--;
    return c;
}

static void give_chunk(struct weir__chunk_cache *cache, struct weir__chunk *c)
{
    if (cache == NULL || cache->count >= cache->max_chunks) {
        release_chunk(c);
        return;
    }
    POISON(c->data, c->size);
    c->next = cache->free;
    cache->free = c;
    cache->count++;
}

void weir__arena_init(struct weir__arena *a, struct weir__chunk_cache *cache, size_t max_bytes)
{
    a->cache = cache;
    a->chunks = NULL;
    a->bigs = NULL;
    a->at = NULL;
    a->end = NULL;
    a->used = 0;
    a->max_bytes = max_bytes;
    a->account = NULL;
    weir__list_init(&a->children);
    weir__list_init(&a->sibling);
}

void weir__arena_move(struct weir__arena *to, const struct weir__arena *from)
{
    *to = *from;
    weir__list_init(&to->children);
    weir__list_init(&to->sibling);
}

void weir__arena_free(struct weir__arena *a)
{
    struct weir__list *child;
    struct weir__chunk_cache *cache;
    struct weir__chunk *chunks;
    struct weir__chunk *bigs;
    struct weir__account *account;
    size_t held;

    while ((child = weir__list_pop_front(&a->children)))
        weir__arena_free(weir__container_of(child, struct weir__arena, sibling));
    weir__list_remove(&a->sibling);

    /* From the first release on, a itself may be gone. */
    cache = a->cache;
    chunks = a->chunks;
    bigs = a->bigs;
    account = a->account;
    held = 0;
    weir__arena_init(a, cache, a->max_bytes);
    while (chunks != NULL) {
        struct weir__chunk *c = chunks;
        chunks = c->next;
        held += c->size;
        give_chunk(cache, c);
    }
    while (bigs != NULL) {
        struct weir__chunk *c = bigs;
        bigs = c->next;
        held += c->size;
        release_chunk(c);
    }
    if (account != NULL)
        weir__account_give(account, held);
}

void weir__arena_attach(struct weir__arena *parent, struct weir__arena *child)
{
    assert(parent != child && weir__list_is_empty(&child->sibling));
    weir__list_push_back(&parent->children, &child->sibling);
}

static void *alloc_big(struct weir__arena *a, size_t size)
{
    struct weir__chunk *c = new_chunk(size);

    if (c == NULL)
        return NULL;
    c->next = a->bigs;
    a->bigs = c;
    if (a->account != NULL)
        weir__account_take(a->account, size);
    return c->data;
}

static bool next_chunk(struct weir__arena *a)
{
    struct weir__chunk *c = take_chunk(a->cache);

    if (c == NULL)
        return false;
    c->next = a->chunks;
    a->chunks = c;
    a->at = c->data;
    a->end = c->data + c->size;
    if (a->account != NULL)
        weir__account_take(a->account, c->size);
    return true;
}

/* The chunk in use has no room for size. Kept out of line, so that the usual way saves no registers. */
__attribute__((noinline)) static void *alloc_beyond(struct weir__arena *a, size_t size)
{
    void *p;

    if (size > BIG && (a->chunks != NULL || size > CHUNK_ROOM / 2))
        return alloc_big(a, size);
    if (!next_chunk(a))
        return NULL;
    p = a->at;
    a->at += size;
    return p;
}

static size_t rounded(size_t n)
{
    return n > 0 ? (n + (ALIGNMENT - 1)) & ~(size_t)(ALIGNMENT - 1) : ALIGNMENT;
}

void *weir__arena_alloc(struct weir__arena *a, size_t n)
{
    size_t size = rounded(n);
    char *p = a->at;

    if (size < n || size > a->max_bytes - a->used)
        return NULL;
    if (size <= (size_t)(a->end - p)) {
        a->at = p + size;
    } else {
        p = alloc_beyond(a, size);
        if (p == NULL)
            return NULL;
    }
    a->used += size;
    UNPOISON(p, n);
    return p;
}

/* Returns: the link to the large allocation at p; NULL: p is none. */
static struct weir__chunk **link_of(struct weir__arena *a, const void *p)
{
    struct weir__chunk **link = &a->bigs;

    while (*link != NULL && (*link)->data != p)
        link = &(*link)->next;
    return *link != NULL ? link : NULL;
}

static void *resize_big(struct weir__arena *a, struct weir__chunk **link, size_t n)
{
    size_t size = rounded(n), before = (*link)->size;
    struct weir__chunk *c;

    UNPOISON((*link)->data, before);
    c = realloc(*link, sizeof *c + size);
    if (c == NULL)
        return NULL;
    *link = c;
    c->size = size;
    POISON(c->data + n, size - n);
    a->used = a->used - before + size;
    if (a->account != NULL) {
        weir__account_take(a->account, size);
        weir__account_give(a->account, before);
    }
    return c->data;
}

void *weir__arena_resize(struct weir__arena *a, void *p, size_t old_n, size_t n)
{
    struct weir__chunk **link = p != NULL && n > BIG ? link_of(a, p) : NULL;
    void *q;

    if (n > a->max_bytes || n > SIZE_MAX - ALIGNMENT)
        return NULL;
    if (link != NULL)
        return rounded(n) <= (*link)->size || rounded(n) - (*link)->size <= a->max_bytes - a->used
                   ? resize_big(a, link, n)
                   : NULL;
    q = weir__arena_alloc(a, n);
    if (q != NULL && old_n > 0)
        memcpy(q, p, old_n < n ? old_n : n);
    return q;
}

void *weir__arena_calloc(struct weir__arena *a, size_t count, size_t size)
{
    size_t n;
    void *p;

    if (__builtin_mul_overflow(count, size, &n))
        return NULL;
    p = weir__arena_alloc(a, n);
    return p != NULL ? memset(p, 0, n) : NULL;
}

char *weir__arena_memdup(struct weir__arena *a, const void *p, size_t n)
{
    char *copy = n < SIZE_MAX ? weir__arena_alloc(a, n + 1) : NULL;

    if (copy == NULL)
        return NULL;
    if (n > 0)
        memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}

char *weir__arena_strdup(struct weir__arena *a, const char *text)
{
    return weir__arena_memdup(a, text, strlen(text));
}

char *weir__arena_printf(struct weir__arena *a, const char *format, ...)
{
    char small[256];
    va_list args;
    char *text;
    int n;

    va_start(args, format);
    n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (n < 0)
        return NULL;
    if ((size_t)n < sizeof small)
        return weir__arena_memdup(a, small, (size_t)n);
    text = weir__arena_alloc(a, (size_t)n + 1);
    if (text == NULL)
        return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)n + 1, format, args);
    va_end(args);
    return text;
}
