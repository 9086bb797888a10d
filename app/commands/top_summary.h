/* SPDX-License-Identifier: MIT */
/* The lines at the top of weir top: the gateway, the sums of its routes, and what stands out.
 *
 * Threading: belongs to the task that draws.
 */
#ifndef APP_COMMANDS_TOP_SUMMARY_H
#define APP_COMMANDS_TOP_SUMMARY_H

#include <stddef.h>

#include "commands/top_pieces.h"

/* Adds the lines.
 * Returns: the number of lines.
 */
size_t top_summary_write(const struct top_frame *f);

#endif
