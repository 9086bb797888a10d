/* SPDX-License-Identifier: MIT */
/* The second attempts of a backend in weir top: a row below that of the backend.
 *
 * Threading: belongs to the task that draws.
 */
#ifndef APP_COMMANDS_TOP_ATTEMPTS_H
#define APP_COMMANDS_TOP_ATTEMPTS_H

#include <stdbool.h>

#include "commands/top_pieces.h"

/* Whether a backend has such a row: it hedges, retries, or its limit follows. */
bool top_attempts_has_row(const json_t *backend);

/* "  hedged 5.1 % after 41 ms, 61 % won  retried 0.4 %  denied 12: budget  limit 97, auto" */
void top_attempts_row(const struct top_frame *f, const json_t *backend);

#endif
