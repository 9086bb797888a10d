/* SPDX-License-Identifier: MIT */
#include "core/stack.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL                                                                                   \
    102 /* linux/mman.h of 6.13; Debian 12's headers are older than its backported kernels */
#endif

enum { ARENA_BYTES = 16 << 20 };

int weir__stacks_init(struct weir__stacks *s, size_t bytes, size_t count_max, enum weir__guard_type guard)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    if (bytes < 4 * page || bytes % page != 0 || bytes > ARENA_BYTES - page || count_max == 0)
        return -EINVAL;
    *s = (struct weir__stacks){.bytes = bytes,
                               .stride = bytes / page % 2 == 0 ? bytes + page : bytes,
                               .guard_bytes = page,
                               .page_bits = (unsigned)__builtin_ctzll(page),
                               .count_max = count_max,
                               .guard = guard};
    return 0;
}

void weir__stacks_free(struct weir__stacks *s)
{
    for (struct weir__stack_arena *a = atomic_load(&s->arenas), *next; a != NULL; a = next) {
        next = a->next;
        munmap(a->memory, a->bytes);
        free(a);
    }
    free(s->idle);
    *s = (struct weir__stacks){0};
}

static int add_arena(struct weir__stacks *s)
{
    struct weir__stack_arena *a = malloc(sizeof *a);
    size_t in_arena = ARENA_BYTES / s->stride;
    size_t bytes = in_arena * s->stride;
    char *memory;

    if (a == NULL)
        return -ENOMEM;
    memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) {
        free(a);
        return -ENOMEM;
    }
    /* No huge pages: one would make every parked task cost megabytes. */
    (void)madvise(memory, bytes, MADV_NOHUGEPAGE);
    *a = (struct weir__stack_arena){
        .next = atomic_load(&s->arenas), .memory = memory, .bytes = bytes, .count = in_arena};
    atomic_init(&a->unused, in_arena);
    atomic_store_explicit(&s->arenas, a, memory_order_release);
    return 0;
}

static int install_guard(struct weir__stacks *s, char *base)
{
    if (s->guard != WEIR__GUARD_MPROTECT) {
        if (madvise(base, s->guard_bytes, MADV_GUARD_INSTALL) == 0)
            return 0;
        if (s->guard == WEIR__GUARD_MADVISE)
            return -errno;
        s->guard = WEIR__GUARD_MPROTECT;
    }
    return mprotect(base, s->guard_bytes, PROT_NONE) == 0 ? 0 : -errno;
}

/* Room to take every stack back is made before it is handed out, so that giving back can't fail. */
static int reserve_idle(struct weir__stacks *s)
{
    size_t capacity = s->idle_capacity == 0 ? 64 : 2 * s->idle_capacity;
    char **idle;

    if (s->count < s->idle_capacity)
        return 0;
    idle = realloc(s->idle, capacity * sizeof *idle);
    if (idle == NULL)
        return -ENOMEM;
    s->idle = idle;
    s->idle_capacity = capacity;
    return 0;
}

char *weir__stack_make(struct weir__stacks *s)
{
    struct weir__stack_arena *a = atomic_load_explicit(&s->arenas, memory_order_relaxed);
    size_t unused = a != NULL ? atomic_load_explicit(&a->unused, memory_order_relaxed) : 0;
    char *base;

    if (s->count == s->count_max || reserve_idle(s) < 0)
        return NULL;
    if (unused == 0) {
        if (add_arena(s) < 0)
            return NULL;
        a = atomic_load_explicit(&s->arenas, memory_order_relaxed);
        unused = a->count;
    }
    base = a->memory + (unused - 1) * s->stride;
    if (install_guard(s, base) < 0)
        return NULL;
    atomic_store_explicit(&a->unused, unused - 1, memory_order_release);
    s->count++;
    return base;
}

size_t weir__stacks_trim(struct weir__stacks *s, size_t most)
{
    size_t done = 0;

    for (; done < most && s->trimmed < s->idle_low; done++, s->trimmed++) {
        char *base = s->idle[s->trimmed];
        (void)madvise(base + s->guard_bytes, s->bytes - s->guard_bytes, MADV_DONTNEED);
    }
    s->idle_low = s->idle_count;
    return done;
}
