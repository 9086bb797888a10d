/* SPDX-License-Identifier: MIT */
#include "base/wheel.h"

#define SLOT_MASK (WEIR__WHEEL_SLOTS - 1)
#define PLACE_DUE (WEIR__WHEEL_LEVELS * WEIR__WHEEL_SLOTS) /* in the wheel's list of due timers */
#define PLACE_NONE (PLACE_DUE + 1) /* not in the wheel; perhaps in a list of expired ones */

static struct weir__timer *timer_of(struct weir__list *node)
{
    return weir__container_of(node, struct weir__timer, node);
}

static uint64_t tick_down(int64_t ns)
{
    return ns < 0 ? 0 : (uint64_t)ns >> WEIR__WHEEL_TICK_BITS;
}

/* Rounded up, so that nothing fires early. */
static uint64_t tick_up(int64_t ns)
{
    uint64_t whole = (1U << WEIR__WHEEL_TICK_BITS) - 1;

    return ns < 0 ? 0 : ((uint64_t)ns + whole) >> WEIR__WHEEL_TICK_BITS;
}

void weir__wheel_init(struct weir__wheel *w, int64_t now_ns)
{
    w->tick = tick_down(now_ns);
    w->count = 0;
    w->in_use = 0;
    weir__list_init(&w->due);
    for (int level = 0; level < WEIR__WHEEL_LEVELS; level++) {
        w->slots_in_use[level] = 0;
        for (int slot = 0; slot < WEIR__WHEEL_SLOTS; slot++)
            weir__list_init(&w->slots[level][slot]);
    }
}

void weir__timer_init(struct weir__timer *t)
{
    weir__list_init(&t->node);
    t->expires_ns = INT64_MAX;
    t->place = PLACE_NONE;
}

static void put(struct weir__wheel *w, struct weir__timer *t)
{
    uint64_t tick = tick_up(t->expires_ns);
    int highest_bit;
    unsigned level;
    unsigned slot;

    if (tick <= w->tick) {
        t->place = PLACE_DUE;
        weir__list_push_back(&w->due, &t->node);
        return;
    }
    highest_bit = 63 - __builtin_clzll(tick ^ w->tick);
    level = (unsigned)highest_bit / WEIR__WHEEL_SLOT_BITS;
    slot = (tick >> (level * WEIR__WHEEL_SLOT_BITS)) & SLOT_MASK;
    t->place = (uint16_t)(level * WEIR__WHEEL_SLOTS + slot);
    w->in_use |= 1U << level;
    w->slots_in_use[level] |= 1ULL << slot;
    weir__list_push_back(&w->slots[level][slot], &t->node);
}

static void mark_unused(struct weir__wheel *w, unsigned level, unsigned slot)
{
    w->slots_in_use[level] &= ~(1ULL << slot);
    if (!w->slots_in_use[level])
        w->in_use &= ~(1U << level);
}

void weir__wheel_set(struct weir__wheel *w, struct weir__timer *t, int64_t expires_ns)
{
    weir__wheel_cancel(w, t);
    t->expires_ns = expires_ns;
    w->count++;
    put(w, t);
}

void weir__wheel_cancel(struct weir__wheel *w, struct weir__timer *t)
{
    weir__list_remove(&t->node);
    if (t->place == PLACE_NONE)
        return;
    if (t->place != PLACE_DUE) {
        unsigned level = t->place / WEIR__WHEEL_SLOTS;
        unsigned slot = t->place % WEIR__WHEEL_SLOTS;
        if (weir__list_is_empty(&w->slots[level][slot]))
            mark_unused(w, level, slot);
    }
    t->place = PLACE_NONE;
    w->count--;
}

/* Finds the slot in use that comes next, and the tick at which it begins. Returns: false if there is none. */
static bool next_slot(const struct weir__wheel *w, unsigned *level, unsigned *slot, uint64_t *begin)
{
    unsigned shift;
    uint64_t above;

    if (!w->in_use)
        return false;
    *level = (unsigned)__builtin_ctz(w->in_use);
    *slot = (unsigned)__builtin_ctzll(w->slots_in_use[*level]);
    shift = *level * WEIR__WHEEL_SLOT_BITS;
    above = w->tick >> (shift + WEIR__WHEEL_SLOT_BITS) << (shift + WEIR__WHEEL_SLOT_BITS);
    *begin = above | (uint64_t)*slot << shift;
    return true;
}

int64_t weir__wheel_next_ns(const struct weir__wheel *w)
{
    unsigned level, slot;
    uint64_t begin;

    if (!weir__list_is_empty(&w->due))
        return (int64_t)(w->tick << WEIR__WHEEL_TICK_BITS);
    if (!next_slot(w, &level, &slot, &begin) || begin > tick_down(INT64_MAX))
        return INT64_MAX;
    return (int64_t)(begin << WEIR__WHEEL_TICK_BITS);
}

/* Merges two chains that are linked by next alone and end in NULL; of equal timers, those of a come first. */
static struct weir__list *merge(struct weir__list *a, struct weir__list *b)
{
    struct weir__list *first;
    struct weir__list **tail = &first;

    while (a != NULL && b != NULL) {
        struct weir__list **least = timer_of(a)->expires_ns <= timer_of(b)->expires_ns ? &a : &b;
        *tail = *least;
        tail = &(*least)->next;
        *least = *tail;
    }
    *tail = a != NULL ? a : b;
    return first;
}

static bool is_sorted(const struct weir__list *head)
{
    for (struct weir__list *node = head->next; node->next != head; node = node->next) {
        if (timer_of(node)->expires_ns > timer_of(node->next)->expires_ns)
            return false;
    }
    return true;
}

/* Merge sort: chains[i] holds 2^i timers that were there before all those of lower chains. */
static void sort(struct weir__list *head)
{
    struct weir__list *chains[48] = {NULL};
    struct weir__list *node;
    struct weir__list *all;

    while ((node = weir__list_pop_front(head))) {
        unsigned i = 0;
        node->next = NULL;
        for (; chains[i] != NULL; i++) {
            node = merge(chains[i], node);
            chains[i] = NULL;
        }
        chains[i] = node;
    }
    all = NULL;
    for (unsigned i = 0; i < 48; i++)
        all = merge(chains[i], all);
    while (all != NULL) {
        struct weir__list *next = all->next;
        weir__list_push_back(head, all);
        all = next;
    }
}

static void hand_out_due(struct weir__wheel *w, struct weir__list *expired)
{
    if (weir__list_is_empty(&w->due))
        return;
    if (!is_sorted(&w->due))
        sort(&w->due);
    weir__list_each (node, &w->due) {
        timer_of(node)->place = PLACE_NONE;
        w->count--;
    }
    weir__list_move_all(expired, &w->due);
}

void weir__wheel_advance(struct weir__wheel *w, int64_t now_ns, struct weir__list *expired)
{
    uint64_t now = tick_down(now_ns);
    unsigned level, slot;
    uint64_t begin;

    hand_out_due(w, expired);
    while (next_slot(w, &level, &slot, &begin) && begin <= now) {
        struct weir__list moving;
        struct weir__list *node;
        weir__list_init(&moving);
        weir__list_move_all(&moving, &w->slots[level][slot]);
        mark_unused(w, level, slot);
        w->tick = begin;
        while ((node = weir__list_pop_front(&moving)))
            put(w, timer_of(node));
        hand_out_due(w, expired);
    }
    /* Nothing begins in between, so every timer still differs from the new tick in the same group of bits. */
    if (w->tick < now)
        w->tick = now;
}
