/* SPDX-License-Identifier: MIT */
/* The outliers that are kept in memory: so many, and so many bytes. When there is no more room, the route
 * that has the most loses its oldest, so that a busy route does not push out what happens rarely elsewhere.
 *
 * Threading: any thread; each call holds a lock for as long as it takes to copy what it returns.
 */
#ifndef APP_OUTLIERS_OUTLIER_RING_H
#define APP_OUTLIERS_OUTLIER_RING_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>

#include "outliers/outlier.h"
#include "text/text_out.h"

struct outlier_ring;

/* Returns: 0; -ENOMEM. */
WEIR_CHECKED int outlier_ring_open(size_t keep, size_t bytes_max, size_t routes, struct outlier_ring **out);

/* NULL is nothing. */
void outlier_ring_close(struct outlier_ring *ring);

/* Owns: takes the outlier; its text is complete. */
void outlier_ring_add(struct outlier_ring *ring, struct outlier *o);

/* Writes a JSON list of what lists show, the latest first: so many as have room in 240 KiB. */
void outlier_ring_write_list(struct outlier_ring *ring, struct text_out *out);

/* Writes one as a whole.
 * Returns: false: it is not there. */
bool outlier_ring_write(struct outlier_ring *ring, const char *id, struct text_out *out);

#endif
