/* SPDX-License-Identifier: MIT */
/* An outlier: one request that took long, kept whole as a JSON object. Other programs may read it: its
 * members are documented in docs/outliers.md, and "version" grows when one of them changes its meaning.
 *
 * The room, from here up:
 *     outlier.h         the object, its name
 *     outlier_json.h    writes what is known at the end of the request, on its loop
 *     instances_asked.h which instances answered the calls of a gather
 *     stalls_during.h   writes what held the loop meanwhile; later, when the watch has decided
 *     outlier_ring.h    the latest ones, in memory
 *     outlier_folder.h  the same as files
 *     recorder.h        decides what is recorded, and has a thread that does what takes time
 *
 * Threading: belongs to one thread at a time: the loop of the request, then the recorder's thread, then the
 * ring.
 */
#ifndef APP_OUTLIERS_OUTLIER_H
#define APP_OUTLIERS_OUTLIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/time.h>

#include "text/text_out.h"

enum {
    OUTLIER_VERSION = 1,
    OUTLIER_ID_BYTES = 48,
    OUTLIER_BYTES_MAX = 128 << 10, /* of its text; a request that needs more is not recorded */
};

struct outlier {
    struct outlier *next;       /* while it is on its way to the ring */
    char id[OUTLIER_ID_BYTES];  /* "20261130-142319-123-4242-7": when it ended, process, number */
    size_t route;               /* its number in the configuration */
    int loop;                   /* of the request */
    int64_t began_ns, ended_ns; /* of the request, by the wall clock, since 1970 */
    weir_instant due;           /* when the watch has decided what held the loop */
    struct text_out text;       /* the whole object; one line */
    size_t line_at, line_bytes; /* the members in it that a list shows */
};

/* Makes an empty outlier of a request that ends now.
 * Returns: NULL without memory. */
struct outlier *outlier_new(size_t route, weir_duration took, unsigned number);

/* NULL is nothing. */
void outlier_free(struct outlier *o);

/* Whether a text can be the id of an outlier: digits and '-', not too many. */
bool outlier_id_is_valid(const char *id);

#endif
