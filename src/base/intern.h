/* SPDX-License-Identifier: MIT */
/* Texts of which each is kept once, and other things that live as long as they.
 *
 * Threading: no locks; one user at a time.
 */
#ifndef WEIR__BASE_INTERN_H
#define WEIR__BASE_INTERN_H

#include <stddef.h>

struct weir__intern_block;

/* All zero is an empty one. */
struct weir__intern {
    struct weir__intern_block *blocks; /* the one being filled first */
    const char **table;                /* by hash; room is a power of two */
    size_t count, room;
};

/* The text, kept until weir__intern_free(): the same pointer for the same text. NULL: no memory. */
const char *weir__intern_keep(struct weir__intern *t, const char *text);

/* Room for something else, aligned for anything, not cleared. NULL: no memory. */
void *weir__intern_room(struct weir__intern *t, size_t bytes);

void weir__intern_free(struct weir__intern *t);

#endif
