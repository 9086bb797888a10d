/* SPDX-License-Identifier: MIT */
/* The memory that stays mapped while a runtime lives. Threading: any thread. */
#ifndef WEIR__WATCH_TREE_MAPPED_H
#define WEIR__WATCH_TREE_MAPPED_H

#include <stddef.h>

struct weir_runtime;
struct weir__span;

/* The spans that weir__peek() may read directly: stacks, constants. Returns: ordered, the caller's to free();
 * NULL: no memory. */
struct weir__span *weir__mapped_spans(const struct weir_runtime *r, size_t *count);

#endif
