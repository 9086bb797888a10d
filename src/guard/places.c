/* SPDX-License-Identifier: MIT */
/* The table of places, without locks. */
#include "guard/places.h"

#include <string.h>

/* Unique: addresses of code have 47 bits on x86-64 and 48 on aarch64, unless a program asks for more. */
static uint64_t key_of(int call, const void *address)
{
    return ((uint64_t)(unsigned)(call + 1) << 48) ^ (uint64_t)(uintptr_t)address;
}

struct weir__place *weir__place_count(struct weir__places *table, int call, const void *address, bool *is_new)
{
    uint64_t key = key_of(call, address);
    size_t first = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32);

    *is_new = false;
    for (size_t i = 0; i < WEIR__PLACES_MAX; i++) {
        struct weir__place *place = &table->places[(first + i) % WEIR__PLACES_MAX];
        uint64_t there = atomic_load_explicit(&place->key, memory_order_relaxed);
        if (there == 0 && atomic_compare_exchange_strong(&place->key, &there, key)) {
            place->call = call;
            place->address = address;
            *is_new = true;
            there = key;
        }
        if (there == key) {
            atomic_fetch_add_explicit(&place->count, 1, memory_order_relaxed);
            return place;
        }
    }
    return NULL;
}

struct weir__place_copy *weir__place_copy_stack(struct weir__places *table, uintptr_t low, uintptr_t end,
                                                uintptr_t fp)
{
    for (size_t i = 0; i < WEIR__PLACE_COPIES; i++) {
        struct weir__place_copy *copy = &table->copies[i];
        if (atomic_exchange_explicit(&copy->is_taken, true, memory_order_acquire))
            continue;
        copy->low = low;
        copy->fp = fp;
        copy->count = end - low < sizeof copy->bytes ? end - low : sizeof copy->bytes;
        memcpy(copy->bytes, (const void *)low, copy->count);
        return copy;
    }
    return NULL;
}
