/* SPDX-License-Identifier: MIT */
#include "edge/rate_places.h"

#include <string.h>

/* Tables lie whole pages of 4 KiB apart: those of unused places are never touched. */
enum { PAGE = 4096 };

/* What is known of a place. Changed under the memory's lock; a process that dies in between leaves a place
 * without a digest. Atomic, so that the compiler keeps the order. */
struct rate_place {
    _Atomic uint64_t digest; /* 0: there is no table */
    _Atomic uint64_t bytes;  /* of the largest table that was here: beyond that the place is zero */
};

struct rate_directory {
    weir_shared_count users[RATE_PLACES];
    struct rate_place places[RATE_PLACES];
};

static size_t up_to_pages(size_t bytes)
{
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

static struct rate_table *table_at(struct rate_directory *directory, size_t i)
{
    char *first = (char *)directory + up_to_pages(sizeof *directory);

    return (struct rate_table *)(void *)(first + i * up_to_pages(rate_table_bytes(true)));
}

int rate_places_open(struct rate_places *out, weir_shared *memory)
{
    void *block = NULL;
    const int err = weir_shared_block(memory, "rates", RATE_PLACES,
                                      up_to_pages(sizeof(struct rate_directory)) +
                                          RATE_PLACES * up_to_pages(rate_table_bytes(true)),
                                      &block);

    *out = (struct rate_places){memory, block};
    return err;
}

/* --- under the lock --- */

static struct rate_table *use(struct rate_places *places, size_t i)
{
    weir_shared_count_add(places->memory, &places->directory->users[i], 1);
    return table_at(places->directory, i);
}

static struct rate_table *find(struct rate_places *places, uint64_t digest)
{
    for (size_t i = 0; i < RATE_PLACES; i++)
        if (places->directory->places[i].digest == digest)
            return use(places, i);
    return NULL;
}

/* The table is there once its digest is. */
static struct rate_table *add(struct rate_places *places, uint64_t digest, bool has_keys)
{
    struct rate_directory *directory = places->directory;
    const size_t bytes = rate_table_bytes(has_keys);
    size_t i = 0;

    while (i < RATE_PLACES && weir_shared_count_sum(places->memory, &directory->users[i]) > 0)
        i++;
    if (i == RATE_PLACES)
        return NULL;
    directory->places[i].digest = 0;
    memset(table_at(directory, i), 0, directory->places[i].bytes);
    if (directory->places[i].bytes < bytes)
        directory->places[i].bytes = bytes;
    directory->places[i].digest = digest;
    return use(places, i);
}

/* --- */

struct rate_table *rate_places_find(struct rate_places *places, uint64_t digest)
{
    struct rate_table *table;

    weir_shared_lock(places->memory);
    table = find(places, digest);
    weir_shared_unlock(places->memory);
    return table;
}

struct rate_table *rate_places_take(struct rate_places *places, uint64_t digest, bool has_keys)
{
    struct rate_table *table;

    weir_shared_lock(places->memory);
    table = find(places, digest);
    if (table == NULL)
        table = add(places, digest, has_keys);
    weir_shared_unlock(places->memory);
    return table;
}

void rate_places_leave(struct rate_places *places, struct rate_table *table)
{
    const size_t offset = (size_t)((char *)table - (char *)table_at(places->directory, 0));

    weir_shared_lock(places->memory);
    weir_shared_count_add(places->memory,
                          &places->directory->users[offset / up_to_pages(rate_table_bytes(true))], -1);
    weir_shared_unlock(places->memory);
}

size_t rate_places_begun(struct rate_places *places)
{
    size_t count = 0;

    weir_shared_lock(places->memory);
    for (size_t i = 0; i < RATE_PLACES; i++)
        count += places->directory->places[i].bytes > 0;
    weir_shared_unlock(places->memory);
    return count;
}
