/* SPDX-License-Identifier: MIT */
/* The totals of several gateway processes added up: for each part and key the sum of what living processes
 * have, and of what those that have ended had. No number ever decreases: when a process has begun anew with a
 * number, or reports a row no more, what it had is kept.
 *
 * A process has a place here from its first totals until it has ended. There are at most SUMS_ROWS_MAX rows;
 * further ones are left out. Of rows that no process has and nothing wants any more SUMS_GONE_MAX are kept;
 * those gone longest are forgotten first.
 *
 * Threading: belongs to one loop or thread.
 */
#ifndef APP_METRICS_SUMS_H
#define APP_METRICS_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>
#include <weir/time.h>

#include "metrics/series.h"
#include "metrics/totals.h"

enum {
    SUMS_PROCESSES_MAX = 64,
    SUMS_ROWS_MAX = 16384,
    SUMS_GONE_MAX = 512,
    SUMS_REST_S = 70,
    SUMS_COMMON_MAX = 8
};

struct sums;

/* A row of the sums. Its key is that of the totals; of a loop the number of its process stands before it. */
struct sum_row {
    enum totals_part part;
    const char *keys[TOTALS_KEYS_MAX];
    const uint64_t *numbers;     /* as of sums_add_up() */
    const struct series *series; /* over the first of these; NULL: the part has no windows */
    bool lives;                  /* a living process has it */
    bool gone;                   /* none has, and it is not wanted */
};

WEIR_CHECKED int sums_open(struct sums **out);
/* NULL is nothing. */
void sums_close(struct sums *s);

/* Takes the totals of the process at a place. number: of the process, for the keys of its loops.
 * Owns:    the content of totals is taken over on success; totals is then empty.
 * Returns: 0; as totals_check(), and then the totals of before stay. */
WEIR_CHECKED int sums_take(struct sums *s, size_t place, int number, weir_buffer *totals);

/* The process at a place has ended: what it had is kept, the place is free. */
void sums_end(struct sums *s, size_t place);

/* Finds a row, or adds it with zeros, and wants it until the next sums_add_up(). keys: as many as the part
 * has, ended by NULL. Returns: NULL without memory or room. */
const struct sum_row *sums_want(struct sums *s, enum totals_part part, const char *const *keys);

/* Finds a row. Returns: NULL: it is not there. */
const struct sum_row *sums_find(const struct sums *s, enum totals_part part, const char *const *keys);

/* The rows of a part, in the order in which they came. Return: NULL: there is no further one. */
const struct sum_row *sums_first(const struct sums *s, enum totals_part part);
const struct sum_row *sums_next(const struct sum_row *row);

/* Reads what one living process after another has in a row. *place begins at 0. Returns: false: no further
 * one. */
bool sums_each_living(const struct sums *s, const struct sum_row *row, size_t *place, struct totals_row *out);

/* The same, but of what several processes have in common the first of them alone. */
bool sums_each_apart(const struct sums *s, const struct sum_row *row, size_t *place, struct totals_row *out);

/* Adds up. pause: is called now and then, may wait, and must not call anything here; or NULL. */
void sums_add_up(struct sums *s, weir_instant now, void (*pause)(void));

/* A new second of the clock has begun. */
void sums_next_second(struct sums *s, const struct window_clock *clock);

/* Computes the windows of a part, or of all (TOTALS_PARTS). */
void sums_work_out(struct sums *s, enum totals_part only, const struct window_clock *clock, weir_instant now,
                   void (*pause)(void));

size_t sums_row_count(const struct sums *s);

#endif
