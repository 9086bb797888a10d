/* SPDX-License-Identifier: MIT */
/* The backends of weir top: a row for each, and below it rows for its instances.
 *
 * Threading: belongs to the task that draws.
 */
#ifndef APP_COMMANDS_TOP_BACKENDS_H
#define APP_COMMANDS_TOP_BACKENDS_H

#include "commands/top_pieces.h"

/* Lists the rows: backends with faults first, then by rate. Of each there are its second attempts, if it has
 * any, and its instances: those that are not up first, then those with most requests in progress. If one is
 * out, the instances come before the attempts. Instances beyond the fifth are one row that counts them.
 * Returns: for the caller to json_decref(); NULL: there is no memory.
 */
json_t *top_backends_list(const struct top_frame *f);

/* As in struct top_rows; an item is one of the list. */
void top_backend_heads(const struct top_frame *f);
void top_backend_row(const struct top_frame *f, const json_t *item);

#endif
