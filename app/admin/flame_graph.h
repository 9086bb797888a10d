/* SPDX-License-Identifier: MIT */
/* Flame graphs (after Gregg, "The Flame Graph", 2016): where time went, as boxes whose width is their share
 * of it, with callees below their callers.
 *
 * Threading: functions from bytes to bytes; any thread.
 */
#ifndef APP_ADMIN_FLAME_GRAPH_H
#define APP_ADMIN_FLAME_GRAPH_H

#include <stddef.h>

#include <weir/buffer.h>

#include "text/text_out.h"

/* Writes folded stacks (flame_stacks.h) as an SVG document that loads nothing: light and dark, each box with
 * its name, samples and share as its title.
 * Owns:    folded is lent. title: any text, shown above.
 * Returns: 0; -ENOMEM. For errors of writing see out->err.
 */
WEIR_CHECKED int flame_graph_write(struct text_out *out, weir_bytes folded, const char *title);

#endif
