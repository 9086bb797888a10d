/* SPDX-License-Identifier: MIT */
/* Folded stacks, and the flame graph of them (after Gregg, "The Flame Graph", 2016): where time went, as
 * boxes as wide as their part of it, callees below their callers.
 *
 * Threading: functions from bytes to bytes; any thread.
 */
#ifndef APP_ADMIN_FLAME_GRAPH_H
#define APP_ADMIN_FLAME_GRAPH_H

#include <stddef.h>

#include <weir/buffer.h>

#include "text/text_out.h"

/* Writes folded stacks, "route;task;function;function 12" a line, as one SVG document that needs nothing from
 * outside: light and dark, each box with its name, samples and share as its title.
 * Owns:    folded is lent. title is shown above; any text. Lines that are no folded stacks count for nothing.
 * Returns: 0; -ENOMEM. Errors of out are out's.
 */
WEIR_CHECKED int flame_graph_write(struct text_out *out, weir_bytes folded, const char *title);

#endif
