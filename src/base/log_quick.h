/* SPDX-License-Identifier: MIT */
/* The pairs that nearly all lines of the log consist of, written quickly: plain text, whole numbers and
 * durations, where there is room for them. All others are for base/log_line.c, which would write these the
 * same.
 *
 * Threading: a line belongs to the thread that writes it.
 */
#ifndef WEIR__BASE_LOG_QUICK_H
#define WEIR__BASE_LOG_QUICK_H

#include <stddef.h>

#include <weir/log.h>

struct weir__log_line;

/* Writes pairs. Returns: how many from the front, until one of which nothing is written. */
size_t weir__log_quick_pairs(struct weir__log_line *line, const weir_kv *kvs, size_t n);

#endif
