/* SPDX-License-Identifier: MIT */
/* What a gateway process has counted of its requests, read from the memory of its cells after its end:
 * nothing that it has counted is lost, however it ended.
 *
 * Threading: any thread.
 */
#ifndef APP_METRICS_CELLS_LEFT_H
#define APP_METRICS_CELLS_LEFT_H

#include <weir/error.h>

#include "text/text_out.h"

/* Makes memory for request_counts_share(), which can't shrink, so that it can be read whatever a process does
 * with it. Owns: the caller closes it. Returns: a descriptor; -ENOMEM, -EMFILE, -ENFILE. */
WEIR_CHECKED int cells_left_make(void);

/* Writes totals (totals.h) of the routes alone, from the memory of a process that has ended.
 * Returns: 0; -ENOENT it has counted nothing; -WEIR_EPROTOCOL it is not such memory; -ENOMEM. */
WEIR_CHECKED int cells_left_write(int memory, struct text_out *out);

#endif
