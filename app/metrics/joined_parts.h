/* SPDX-License-Identifier: MIT */
/* The parts of joined.h: each fills one subject of a snapshot from the sums. What a snapshot points to are
 * rows, and the totals of processes: it is valid until the next totals are taken, or the sums added up.
 *
 * Threading: as joined.h.
 */
#ifndef APP_METRICS_JOINED_PARTS_H
#define APP_METRICS_JOINED_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>

#include "metrics/gather_counts.h"
#include "metrics/request_counts.h"
#include "metrics/snapshot.h"
#include "metrics/sums.h"

/* The rows of a part that are listed, those that are gone among them or not. */
size_t joined_count(const struct sums *sums, enum totals_part part, bool with_gone);
static inline bool joined_lists(const struct sum_row *row, bool with_gone)
{
    return with_gone || !row->gone;
}

/* Makes room for so many items in an array that is filled anew. Returns: NULL: there is no memory, and the
 * array is freed. */
void *joined_room(void *items, size_t count, size_t bytes);

/* --- what the configuration has from the start is wanted before the sums are added up --- */

void joined_want_routes(struct sums *sums, const struct request_counts *routes,
                        const struct gather_counts *gathers);
void joined_want_backends(struct sums *sums, const struct config *config);
void joined_want_attempts(struct sums *sums, const char *name);
void joined_want_apps(struct sums *sums, const struct config *config);

/* --- filling --- */

void joined_gateway(struct snapshot *s, const struct sums *sums);
void joined_clients(struct snapshot *s, const struct sums *sums, const struct window_clock *clock);
void joined_gathers(struct snapshot *s, const struct sums *sums, bool with_gone);
void joined_routes(struct snapshot *s, const struct sums *sums, const struct request_counts *routes,
                   bool with_gone); /* after the gathers */
void joined_outcomes(struct snapshot *s, const struct sums *sums, const struct request_counts *routes);
void joined_origins(struct snapshot *s, const struct sums *sums, bool with_gone);
void joined_backends(struct snapshot *s, const struct sums *sums, bool with_gone);
void joined_tls(struct snapshot *s, const struct sums *sums, bool with_gone);
void joined_loops(struct snapshot *s, const struct sums *sums);
void joined_pools(struct snapshot *s, const struct sums *sums, bool with_gone);
struct snapshot_attempts joined_attempts(const struct sums *sums, const char *name);
void joined_apps(struct snapshot *s, const struct sums *sums, bool with_gone);
void joined_stalls(struct snapshot *s, const struct sums *sums); /* after the routes */
void joined_guard_calls(struct snapshot *s, const struct sums *sums);

/* The type of a stall by its name; WEIR_STALL_TYPES: there is none. */
enum weir_stall_type joined_stall_type(const char *name);

/* Frees what the functions above have allocated. */
void joined_free(struct snapshot *s);

#endif
