/* SPDX-License-Identifier: MIT */
/* The memory of a process that stays mapped while a runtime lives: the stacks of its tasks, the constants of
 * the program and of libweir. */
#include "watch/tree/mapped.h"

#include <link.h>
#include <stdlib.h>

#include "core/peek.h"
#include "core/runtime.h"

/* --- stacks --- */

struct arena {
    const struct weir__stacks *stacks;
    const struct weir__stack_arena *arena;
};

static int by_memory(const void *a, const void *b)
{
    const char *x = ((const struct arena *)a)->arena->memory, *y = ((const struct arena *)b)->arena->memory;

    return (x > y) - (x < y);
}

static size_t count_arenas(const struct weir_runtime *r)
{
    size_t n = 0;

    for (int i = 0; i < r->loop_count; i++)
        for (struct weir__stack_arena *a =
                 atomic_load_explicit(&r->loops[i].stacks.arenas, memory_order_acquire);
             a != NULL; a = a->next)
            n++;
    return n;
}

/* Lists at most `room` arenas; those that have come since they were counted are left out. */
static size_t list_arenas(const struct weir_runtime *r, struct arena *out, size_t room)
{
    size_t n = 0;

    for (int i = 0; i < r->loop_count; i++)
        for (struct weir__stack_arena *a =
                 atomic_load_explicit(&r->loops[i].stacks.arenas, memory_order_acquire);
             a != NULL && n < room; a = a->next)
            out[n++] = (struct arena){&r->loops[i].stacks, a};
    qsort(out, n, sizeof *out, by_memory);
    return n;
}

/* Adds the stacks without the guard below each, and without the unused memory beside it. */
static size_t add_stacks(const struct arena *a, struct weir__span *out)
{
    struct weir__stack_arena *arena = (struct weir__stack_arena *)(uintptr_t)a->arena;
    size_t first = atomic_load_explicit(&arena->unused, memory_order_acquire);

    for (size_t i = first; i < arena->count; i++) {
        uintptr_t base = (uintptr_t)arena->memory + i * a->stacks->stride;
        *out++ = (struct weir__span){base + a->stacks->guard_bytes, base + a->stacks->bytes};
    }
    return arena->count - first;
}

/* --- constants --- */

enum { CONSTANTS_MAX = 16 };

struct constants {
    struct weir__span spans[CONSTANTS_MAX];
    size_t count;
    bool is_first;
};

/* Adds the constants of the program, which comes first, and of the object this function is in. Neither is
 * unloaded during the call. */
static int add_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct constants *c = arg;
    uintptr_t ours = (uintptr_t)&weir__mapped_spans;
    bool is_wanted = c->is_first;

    (void)size;

    c->is_first = false;
    for (size_t i = 0; i < info->dlpi_phnum && !is_wanted; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        is_wanted = p->p_type == PT_LOAD && ours - (info->dlpi_addr + p->p_vaddr) < p->p_memsz;
    }
    for (size_t i = 0; i < info->dlpi_phnum && is_wanted; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && (p->p_flags & (PF_R | PF_W)) == PF_R && c->count < CONSTANTS_MAX)
            c->spans[c->count++] =
                (struct weir__span){info->dlpi_addr + p->p_vaddr, info->dlpi_addr + p->p_vaddr + p->p_memsz};
    }
    return 0;
}

static int by_address(const void *a, const void *b)
{
    const struct weir__span *x = a, *y = b;

    return (x->low > y->low) - (x->low < y->low);
}

/* --- both --- */

struct weir__span *weir__mapped_spans(const struct weir_runtime *r, size_t *count)
{
    struct constants constants = {.is_first = true};
    size_t arena_count = count_arenas(r), room = CONSTANTS_MAX, n = 0;
    struct arena *arenas = malloc((arena_count + 1) * sizeof *arenas);
    struct weir__span *spans = NULL;

    if (arenas != NULL) {
        arena_count = list_arenas(r, arenas, arena_count);
        for (size_t i = 0; i < arena_count; i++)
            room += arenas[i].arena->count;
        spans = malloc(room * sizeof *spans);
    }
    if (spans != NULL) {
        (void)dl_iterate_phdr(add_object, &constants);
        for (size_t i = 0; i < constants.count; i++)
            spans[n++] = constants.spans[i];
        for (size_t i = 0; i < arena_count; i++)
            n += add_stacks(&arenas[i], spans + n);
        qsort(spans, n, sizeof *spans, by_address);
    }
    free(arenas);
    *count = n;
    return spans;
}
