/* SPDX-License-Identifier: MIT */
#include "metrics/time_breakdown.h"

#include <string.h>

enum { DECAY_DIVISOR = 32 }; /* this part of a sum goes in each second in which there are requests */

static void set(_Atomic uint64_t *n, uint64_t value)
{
    atomic_store_explicit(n, value, memory_order_relaxed);
}

static uint64_t get(const _Atomic uint64_t *n)
{
    return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)n, memory_order_acquire);
}

/* --- counting --- */

/* Returns: the slot of a name: that with the least sum when the name has none yet. */
static struct breakdown_name *slot_of(struct breakdown_name *names, const char *name)
{
    struct breakdown_name *least = &names[0];

    for (size_t i = 0; i < BREAKDOWN_NAMES; i++) {
        if (get(&names[i].ns) > 0 && strncmp(names[i].name, name, BREAKDOWN_NAME_BYTES - 1) == 0)
            return &names[i];
        if (get(&names[i].ns) < get(&least->ns))
            least = &names[i];
    }
    /* A reader meanwhile finds the slot free, or the name cut, but always ended. */
    set(&least->ns, 0);
    for (size_t i = 0; i < BREAKDOWN_NAME_BYTES - 1; i++) {
        __atomic_store_n(&least->name[i], *name, __ATOMIC_RELEASE);
        name += *name != '\0';
    }
    return least;
}

static void add_name(struct breakdown_name *names, const char *name, int64_t ns)
{
    struct breakdown_name *slot;

    if (ns <= 0 || !*name)
        return;
    slot = slot_of(names, name);
    atomic_store_explicit(&slot->ns, get(&slot->ns) + (uint64_t)ns, memory_order_release);
}

static void decay(struct breakdown_cell *cell)
{
    for (size_t i = 0; i < BREAKDOWN_NAMES; i++) {
        set(&cell->waits[i].ns, get(&cell->waits[i].ns) - get(&cell->waits[i].ns) / DECAY_DIVISOR);
        set(&cell->holders[i].ns, get(&cell->holders[i].ns) - get(&cell->holders[i].ns) / DECAY_DIVISOR);
    }
    set(&cell->weight, get(&cell->weight) - get(&cell->weight) / DECAY_DIVISOR);
}

static bool is_wait(enum weir_charge_category charge)
{
    return charge >= WEIR_CHARGE_BODY && charge != WEIR_CHARGE_POOL_QUEUE && charge != WEIR_CHARGE_POOL_RUN;
}

static void take(struct breakdown_cell *cell, const weir_charge *charge)
{
    char label[WEIR_CHARGE_LABEL_BYTES];

    set(&cell->charges_ns[charge->category],
        get(&cell->charges_ns[charge->category]) + (uint64_t)charge->share.ns);
    if (charge->category == WEIR_CHARGE_RUN)
        weir_meter_record(&cell->run, charge->share);
    if (is_wait(charge->category))
        add_name(cell->waits, weir_charge_label(charge, label), charge->share.ns);
    if (charge->held_by != NULL)
        add_name(cell->holders, charge->held_by, charge->held.ns);
}

bool breakdown_wants(struct breakdown_cell *cell, uint32_t second)
{
    if (cell->second != second) {
        cell->second = second;
        cell->left = BREAKDOWN_SAMPLES;
        decay(cell);
    }
    if (cell->left == 0)
        return false;
    cell->left--;
    return true;
}

void breakdown_take(struct breakdown_cell *cell, const weir_charge *charges, size_t count)
{
    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++)
        take(cell, &charges[i]);
    set(&cell->weight, get(&cell->weight) + BREAKDOWN_WEIGHT);
    atomic_store_explicit(&cell->samples, get(&cell->samples) + 1, memory_order_release);
}

/* --- reading --- */

/* Returns: whether another name has the greatest sum now. */
static bool add_most(const struct breakdown_name *names, char most[BREAKDOWN_NAME_BYTES], uint64_t *most_ns)
{
    bool another = false;

    for (size_t i = 0; i < BREAKDOWN_NAMES; i++) {
        const uint64_t ns = get(&names[i].ns);
        if (ns <= *most_ns)
            continue;
        another = true;
        *most_ns = ns;
        for (size_t k = 0; k < BREAKDOWN_NAME_BYTES - 1; k++)
            most[k] = __atomic_load_n(&names[i].name[k], __ATOMIC_RELAXED);
        most[BREAKDOWN_NAME_BYTES - 1] = '\0';
    }
    return another;
}

void breakdown_add(const struct breakdown_cell *cell, struct breakdown_total *total)
{
    total->samples += get(&cell->samples);
    for (size_t i = 0; i < WEIR_CHARGE_CATEGORIES; i++)
        total->charges_ns[i] += get(&cell->charges_ns[i]);
    weir_meter_add(&total->run, &cell->run);
    if (add_most(cell->waits, total->slowest, &total->slowest_ns))
        total->slowest_weight = get(&cell->weight);
    (void)add_most(cell->holders, total->holder, &total->holder_ns);
}
