/* SPDX-License-Identifier: MIT */
#include "core/account/ledger.h"

#include <string.h>

#include "base/arena.h"
#include "base/heartbeat.h"

enum { ROOM_FIRST = 8, NAMES_MAX = 64, UNNAMED = WEIR_CHARGE_BODY };
_Static_assert(WEIR__CHARGES_KEPT + UNNAMED <= WEIR_CHARGES_MAX, "room for what is no wait");

/* --- time --- */

static void share(struct weir__ledger *l, int tier, uint64_t ticks)
{
    uint32_t n = l->waiting[tier];

    if (n == 1) {
        l->shared[tier] += ticks + l->left;
        l->left = 0;
        return;
    }
    ticks += l->left;
    l->shared[tier] += ticks / n;
    l->left = (uint32_t)(ticks % n);
}

void weir__ledger_settle(struct weir__ledger *l, uint64_t ticks)
{
    uint64_t d = ticks - l->mark;

    l->mark = ticks;
    if (d == 0)
        return;
    if (l->waiting[0] > 0)
        share(l, 0, d);
    else if (l->waiting[1] > 0)
        share(l, 1, d);
    else {
        l->other.share += d;
        l->other.took += d;
    }
}

static uint64_t at_most(uint64_t n, uint64_t most)
{
    return n < most ? n : most;
}

void weir__ledger_off_cpu(struct weir__ledger *l, bool running, uint64_t starved, uint64_t throttled)
{
    uint64_t *from = running ? &l->run : &l->ready;

    throttled = at_most(throttled, *from);
    starved = at_most(starved, *from - throttled);
    *from -= throttled + starved;
    l->throttled += throttled;
    l->starved += starved;
}

/* --- charges --- */

static void merge(struct weir__charge *into, uint64_t share, uint64_t took, uint32_t waits)
{
    into->share += share;
    into->took += took;
    into->waits += waits;
}

/* One of 64 bits for a kind and name: those whose bits differ are not the same. */
static uint64_t bit_of(const struct weir__charge *c)
{
    uint64_t mixed = ((uintptr_t)c->name + c->charge_to) * UINT64_C(0x9e3779b97f4a7c15);

    return UINT64_C(1) << (mixed >> 58);
}

/* Merges the charges of one kind and name. Most are merged already. */
static void put_together(struct weir__ledger *l)
{
    struct weir__charge *c = l->charges;
    uint64_t bits = 0;
    unsigned kept = 0;

    for (unsigned i = 0; i < l->count; i++) {
        uint64_t bit = bit_of(&c[i]);
        unsigned same = (bits & bit) != 0 ? 0 : kept;
        while (same < kept && (c[same].name != c[i].name || c[same].charge_to != c[i].charge_to))
            same++;
        bits |= bit;
        if (same < kept)
            merge(&c[same], c[i].share, c[i].took, c[i].waits);
        else
            c[kept++] = c[i];
    }
    l->count = (uint8_t)kept;
}

/* Merges the smallest into OTHER, until a quarter of the places is free. */
static void put_away(struct weir__ledger *l)
{
    struct weir__charge *c = l->charges;

    while (l->count > l->room - l->room / 4) {
        unsigned least = 0;
        for (unsigned i = 1; i < l->count; i++)
            if (c[i].share < c[least].share)
                least = i;
        merge(&l->other, c[least].share, c[least].took, c[least].waits);
        c[least] = c[--l->count];
    }
}

static bool grow(struct weir__ledger *l)
{
    unsigned room = l->room == 0 ? ROOM_FIRST : 2u * l->room;
    struct weir__charge *charges;

    if (room > WEIR__CHARGES_KEPT)
        return false;
    charges = weir__arena_alloc(l->memory, room * sizeof *charges);
    if (charges == NULL)
        return false;
    if (l->count > 0)
        memcpy(charges, l->charges, l->count * sizeof *charges);
    l->charges = charges;
    l->room = (uint8_t)room;
    return true;
}

/* Returns: false: there is no memory for any. */
static bool make_place(struct weir__ledger *l)
{
    if (grow(l))
        return true;
    if (l->room == 0)
        return false;
    put_together(l);
    put_away(l);
    return true;
}

/* Charges of the same in a row are merged at once, the rest when they must be. */
__attribute__((noinline)) static void add_slowly(struct weir__ledger *l, unsigned charge_to, const char *name,
                                                 uint64_t share, uint64_t took)
{
    struct weir__charge *last = l->count > 0 ? &l->charges[l->count - 1] : NULL;

    if (last != NULL && last->name == name && last->charge_to == charge_to)
        merge(last, share, took, 1);
    else if (charge_to == WEIR_CHARGE_OTHER || (l->count == l->room && !make_place(l)))
        merge(&l->other, share, took, 1);
    else
        l->charges[l->count++] = (struct weir__charge){name, share, took, 1, (uint8_t)charge_to};
}

/* Fast path: what is charged is not what was charged last, and there is a place for it. */
static inline void add(struct weir__ledger *l, unsigned charge_to, const char *name, uint64_t share,
                       uint64_t took)
{
    struct weir__charge *c = &l->charges[l->count];

    if (__builtin_expect(l->count == 0 || l->count == l->room || charge_to == WEIR_CHARGE_OTHER, 0) ||
        (c[-1].name == name && c[-1].charge_to == charge_to)) {
        add_slowly(l, charge_to, name, share, took);
        return;
    }
    l->count++;
    c->name = name;
    c->share = share;
    c->took = took;
    c->waits = 1;
    c->charge_to = (uint8_t)charge_to;
}

void weir__ledger_unpark(struct weir__ledger *l, const struct weir__ledger_wait *w, const char *name)
{
    unsigned charge_to = w->charge_to;
    int tier = weir__ledger_tier(charge_to);

    if (charge_to == WEIR__CHARGE_NONE)
        return;
    l->waiting[tier]--;
    add(l, charge_to, name, l->shared[tier] - w->shared, w->ticks);
}

void weir__ledger_unpark_parts(struct weir__ledger *l, const struct weir__ledger_wait *w, unsigned first,
                               unsigned second, const char *name, uint64_t first_ticks)
{
    uint64_t share = l->shared[0] - w->shared, first_share = share;

    l->waiting[0]--;
    if (first_ticks < w->ticks) {
        first_share = (uint64_t)((double)share * (double)first_ticks / (double)w->ticks);
        add(l, second, name, share - first_share, w->ticks - first_ticks);
    } else {
        first_ticks = w->ticks;
    }
    add(l, first, name, first_share, first_ticks);
}

/* --- names --- */

struct weir__ledger_name {
    struct weir__ledger_name *next;
    char text[];
};

const char *weir__ledger_name(struct weir__ledger *l, const char *name)
{
    size_t bytes = strlen(name) + 1;
    struct weir__ledger_name *copy;

    for (copy = l->names; copy != NULL; copy = copy->next)
        if (strcmp(copy->text, name) == 0)
            return copy->text;
    copy = l->name_count < NAMES_MAX ? weir__arena_alloc(l->memory, sizeof *copy + bytes) : NULL;
    if (copy == NULL)
        return NULL;
    memcpy(copy->text, name, bytes);
    copy->next = l->names;
    l->names = copy;
    l->name_count++;
    return copy->text;
}

/* --- the task that held the loop --- */

void weir__ledger_hold(struct weir__ledger *l, uint64_t ticks, const char *task, const char *route)
{
    struct weir__ledger_held *held = l->ready_held;

    if (held == NULL) {
        held = weir__arena_alloc(l->memory, sizeof *held);
        if (held == NULL)
            return;
        held->ticks = 0;
        l->ready_held = held;
    }
    if (ticks <= held->ticks)
        return;
    held->ticks = ticks;
    held->route = route;
    strncpy(held->task, task, sizeof held->task - 1);
    held->task[sizeof held->task - 1] = '\0';
}

/* --- the whole --- */

/* The account being written: the shares add up to sum_ns. */
struct account {
    const struct weir__heartbeat *heartbeat;
    struct weir_charge *out;
    size_t count;
    int64_t sum_ns;
};

static struct weir_charge *put(struct account *a, const struct weir__charge *c)
{
    struct weir_charge *out = &a->out[a->count++];

    *out = (struct weir_charge){.category = c->charge_to,
                                .name = c->name,
                                .share = {weir__heartbeat_ns(a->heartbeat, c->share)},
                                .took = {weir__heartbeat_ns(a->heartbeat, c->took)},
                                .waits = c->waits};
    a->sum_ns += out->share.ns;
    return out;
}

static void put_plain(struct account *a, unsigned charge_to, uint64_t ticks,
                      const struct weir__ledger_held *held)
{
    struct weir_charge *out;

    if (ticks == 0)
        return;
    out = put(a, &(struct weir__charge){
                     .charge_to = (uint8_t)charge_to, .share = ticks, .took = ticks, .waits = 1});
    if (held == NULL)
        return;
    out->held_by = held->task;
    out->held_route = held->route;
    out->held.ns = weir__heartbeat_ns(a->heartbeat, held->ticks);
}

size_t weir__ledger_account(struct weir__ledger *l, const struct weir__heartbeat *heartbeat,
                            struct weir_charge *out)
{
    struct account a = {.heartbeat = heartbeat, .out = out};
    uint64_t total = l->head + l->queue + l->run + l->ready + l->starved + l->throttled + l->other.share;

    put_plain(&a, WEIR_CHARGE_RUN, l->run, NULL);
    put_plain(&a, WEIR_CHARGE_HEAD, l->head, NULL);
    put_plain(&a, WEIR_CHARGE_QUEUE, l->queue, l->queue_held);
    put_plain(&a, WEIR_CHARGE_READY, l->ready, l->ready_held);
    put_plain(&a, WEIR_CHARGE_STARVED, l->starved, NULL);
    put_plain(&a, WEIR_CHARGE_THROTTLED, l->throttled, NULL);
    if (l->other.share > 0 || l->other.waits > 0)
        (void)put(&a, &l->other);
    put_together(l);
    for (unsigned i = 0; i < l->count; i++) {
        (void)put(&a, &l->charges[i]);
        total += l->charges[i].share;
    }
    /* The loss of rounding each charge down: less than a nanosecond each. */
    if (a.count > 0) {
        out[0].share.ns += weir__heartbeat_ns(heartbeat, total) - a.sum_ns;
        out[0].took.ns += weir__heartbeat_ns(heartbeat, total) - a.sum_ns;
    }
    return a.count;
}
