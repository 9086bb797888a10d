/* SPDX-License-Identifier: MIT */
/* Names of the stacks of tasks. A hundred thousand parked tasks have only a few different stacks. The chain
 * of frame pointers is quickly read and identifies the stack; each stack is unwound by the tables and named
 * once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "watch/tree/inspect_inside.h"

enum { CHAIN_MAX = 64, FRAMES_MAX = 96, STACKS_ROOM_MIN = 256, BROKEN_CHAINS_MAX = 1000 };

struct weir__named_stack {
    uint64_t hash;
    size_t chain_length;
    const uintptr_t *chain;
    const weir_frame *frames;
    size_t depth;
};

struct chain {
    uintptr_t addresses[CHAIN_MAX];
    size_t length;
    bool whole;
};

int weir__naming_open(struct weir__naming *n, struct weir__symbols *symbols, struct weir__intern *texts)
{
    memset(n, 0, sizeof *n);
    n->symbols = symbols;
    n->texts = texts;
    n->room = STACKS_ROOM_MIN;
    n->stacks = calloc(n->room, sizeof(struct weir__named_stack *));
    return n->stacks != NULL ? 0 : -ENOMEM;
}

void weir__naming_close(struct weir__naming *n)
{
    free(n->stacks);
}

/* Copies the texts, because those of the symbols end with the runtime. */
static bool keep_frame(struct weir__naming *n, weir_frame *frame)
{
    frame->function = weir__intern_keep(n->texts, frame->function);
    if (frame->file != NULL && (frame->file = weir__intern_keep(n->texts, frame->file)) == NULL)
        return false;
    return frame->function != NULL;
}

bool weir__naming_place(struct weir__naming *n, const void *address, weir_frame *out)
{
    size_t at = ((uintptr_t)address * UINT64_C(0x9e3779b97f4a7c15)) >> 56;

    if (n->places[at].address != address) {
        weir_frame frame;
        (void)weir__symbols_name(n->symbols, (uintptr_t)address, true, &frame, 1);
        if (!keep_frame(n, &frame))
            return false;
        n->places[at].address = address;
        n->places[at].frame = frame;
    }
    *out = n->places[at].frame;
    return true;
}

/* --- identifying a stack --- */

static void follow(struct chain *c, const struct weir__registers *r, const struct weir__stack_copy *stack)
{
    uintptr_t fp = r->general[WEIR__REGISTER_FP];

    c->addresses[0] = r->pc;
    c->length = 1;
    c->whole = false;
    while (c->length < CHAIN_MAX && fp >= stack->low && fp % sizeof fp == 0 &&
           fp - stack->low + 2 * sizeof fp <= stack->count) {
        uintptr_t record[2];
        memcpy(record, (const char *)stack->bytes + (fp - stack->low), sizeof record);
        c->addresses[c->length++] = record[1];
        c->whole = record[0] == 0;
        if (record[0] <= fp)
            break;
        fp = record[0];
    }
}

static uint64_t hash_of(const struct chain *c)
{
    uint64_t hash = c->length;

    for (size_t i = 0; i < c->length; i++)
        hash = (hash ^ c->addresses[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

static struct weir__named_stack **place_of(struct weir__naming *n, uint64_t hash, const struct chain *c)
{
    size_t at = hash & (n->room - 1);

    for (; n->stacks[at] != NULL; at = (at + 1) & (n->room - 1)) {
        const struct weir__named_stack *s = n->stacks[at];
        if (s->hash == hash &&
            (c == NULL || (s->chain_length == c->length &&
                           memcmp(s->chain, c->addresses, c->length * sizeof *s->chain) == 0)))
            break;
    }
    return &n->stacks[at];
}

static bool grow(struct weir__naming *n)
{
    struct weir__naming larger = {.room = 2 * n->room};

    larger.stacks = calloc(larger.room, sizeof(struct weir__named_stack *));
    if (larger.stacks == NULL)
        return false;
    for (size_t i = 0; i < n->room; i++) {
        size_t at;
        if (n->stacks[i] == NULL)
            continue;
        at = n->stacks[i]->hash & (larger.room - 1);
        while (larger.stacks[at] != NULL)
            at = (at + 1) & (larger.room - 1);
        larger.stacks[at] = n->stacks[i];
    }
    free(n->stacks);
    n->stacks = larger.stacks;
    n->room = larger.room;
    return true;
}

/* --- naming it --- */

static bool is_one_of(const char *function, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(function, *names) == 0)
            return true;
    return false;
}

/* Cuts off the frames that are the same in all tasks: how a task is left, and how it begins. */
static size_t trim(const weir_frame *frames, size_t count, size_t *first)
{
    static const char *const inner[] = {"weir__park", "yield_now", "weir__sleep_until", NULL},
                             *const outer[] = {"weir__task_main", "weir__task_start", "weir__switch_to_new",
                                               NULL};

    *first = 0;
    for (size_t i = 0; i < count; i++)
        if (is_one_of(frames[i].function, inner))
            *first = i + 1;
    while (count > *first && is_one_of(frames[count - 1].function, outer))
        count--;
    return count - *first;
}

/* was_called: the innermost address is a return address, as all others are. */
static bool name_stack(struct weir__naming *n, const struct weir__registers *r,
                       const struct weir__stack_copy *stack, bool was_called, struct weir__named_stack *out)
{
    uintptr_t addresses[CHAIN_MAX];
    weir_frame frames[FRAMES_MAX], *kept;
    size_t count = 0, first;
    bool complete;
    size_t length = weir__symbols_unwind(n->symbols, r, stack, addresses, CHAIN_MAX, &complete);

    for (size_t i = 0; i < length && count < FRAMES_MAX; i++)
        count += weir__symbols_name(n->symbols, addresses[i], was_called || i > 0, frames + count,
                                    FRAMES_MAX - count);
    count = trim(frames, count, &first);
    kept = weir__intern_room(n->texts, count * sizeof *kept);
    if (kept == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        kept[i] = frames[first + i];
        if (!keep_frame(n, &kept[i]))
            return false;
    }
    out->frames = kept;
    out->depth = count;
    return true;
}

/* Whether the chain identifies the stack. Code without frame pointers breaks the chain: then two stacks with
 * the same chain may differ. After so many of them they are taken as equal, to bound the work. */
static bool is_known_by(struct weir__naming *n, const struct chain *c)
{
    return c->whole || n->broken++ >= BROKEN_CHAINS_MAX;
}

static struct weir__named_stack *add(struct weir__naming *n, const struct weir__registers *r,
                                     const struct weir__stack_copy *stack, uint64_t hash,
                                     const struct chain *c)
{
    struct weir__named_stack *s = weir__intern_room(n->texts, sizeof *s);
    uintptr_t *addresses = weir__intern_room(n->texts, c->length * sizeof *addresses);

    if (s == NULL || addresses == NULL || (2 * (n->count + 1) > n->room && !grow(n)))
        return NULL;
    memcpy(addresses, c->addresses, c->length * sizeof *addresses);
    *s = (struct weir__named_stack){.hash = hash, .chain = addresses, .chain_length = c->length};
    if (!name_stack(n, r, stack, true, s))
        return NULL;
    *place_of(n, hash, c) = s;
    n->count++;
    return s;
}

bool weir__naming_stack(struct weir__naming *n, const struct weir__task_view *view, const char *stack,
                        weir_task_info *out)
{
    struct weir__stack_copy copy = {.bytes = stack, .low = view->sp, .count = view->stack_bytes};
    struct weir__named_stack *known, once;
    struct weir__registers r;
    struct chain c;
    uint64_t hash;

    if (view->stack_bytes < WEIR__SAVED_BYTES)
        return true;
    weir__registers_of_parked(&r, view->sp, stack);
    follow(&c, &r, &copy);
    if (!is_known_by(n, &c)) {
        if (!name_stack(n, &r, &copy, true, &once))
            return false;
        known = &once;
    } else {
        hash = hash_of(&c);
        known = *place_of(n, hash, &c);
        if (known == NULL)
            known = add(n, &r, &copy, hash, &c);
        if (known == NULL)
            return false;
    }
    out->stack = known->frames;
    out->stack_depth = known->depth;
    return true;
}

bool weir__naming_running(struct weir__naming *n, const struct weir__registers *r,
                          const struct weir__stack_copy *stack, weir_task_info *out)
{
    struct weir__named_stack once;

    if (!name_stack(n, r, stack, false, &once))
        return false;
    out->stack = once.frames;
    out->stack_depth = once.depth;
    return true;
}
