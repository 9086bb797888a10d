/* SPDX-License-Identifier: MIT */
/* Places for tables of rates in the memory that processes share.
 *
 * A table keeps its place as long as a living process uses it, whatever configuration that process has. Then
 * it stays as it is, for a process that comes back to the same rate, until another rate needs the place. So
 * the number of reloads has no limit, and the memory is that of the tables that were in use at one time.
 *
 * Threading: any thread of any process that has the memory mapped; nothing here is for each request.
 */
#ifndef APP_EDGE_RATE_PLACES_H
#define APP_EDGE_RATE_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/shared.h>

#include "edge/rate_table.h"

enum { RATE_PLACES = 512 }; /* 258 MiB, of which only what was used exists */

struct rate_places {
    weir_shared *memory;
    struct rate_directory *directory;
};

/* Finds the places in the memory, or adds them.
 * Owns:    memory is lent as long as out is used.
 * Returns: as weir_shared_block(). */
WEIR_CHECKED int rate_places_open(struct rate_places *out, weir_shared *memory);

/* Takes the table that has this digest, which is never 0, until rate_places_leave(). Returns: NULL: there is
 * none. */
struct rate_table *rate_places_find(struct rate_places *places, uint64_t digest);

/* The same, and where there is none a new one, in a place that no living process uses. Returns: NULL: all
 * are in use. */
struct rate_table *rate_places_take(struct rate_places *places, uint64_t digest, bool has_keys);

/* This process does not use a table any more. */
void rate_places_leave(struct rate_places *places, struct rate_table *table);

/* The number of places that have ever been taken. */
size_t rate_places_begun(struct rate_places *places);

#endif
