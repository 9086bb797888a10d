/* SPDX-License-Identifier: MIT */
/* Interned texts: each is kept once. Also keeps other memory that lives as long.
 *
 * Threading: no locks; one user at a time.
 */
#ifndef WEIR__BASE_INTERN_H
#define WEIR__BASE_INTERN_H

#include <stddef.h>

struct weir__intern_block;

/* All zero is an empty table. */
struct weir__intern {
    struct weir__intern_block *blocks; /* the block that is being filled comes first */
    const char **table;                /* by hash; room is a power of two */
    size_t count, room;
};

/* Returns: the text, kept until weir__intern_free(), the same pointer for the same text; NULL: no memory. */
const char *weir__intern_keep(struct weir__intern *t, const char *text);

/* Returns: the text, if it is kept; NULL: it is not. */
const char *weir__intern_find(const struct weir__intern *t, const char *text);

/* Returns: memory kept as long, aligned for anything, not cleared; NULL: no memory. */
void *weir__intern_room(struct weir__intern *t, size_t bytes);

void weir__intern_free(struct weir__intern *t);

#endif
