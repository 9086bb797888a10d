/* SPDX-License-Identifier: MIT */
/* Texts of which each is kept once, and other things that live as long as they.
 *
 * Threading: no locks; one user at a time.
 */
#ifndef WEIR__BASE_INTERN_H
#define WEIR__BASE_INTERN_H

#include <stddef.h>

struct weir__texts_block;

/* All zero is an empty one. */
struct weir__texts {
    struct weir__texts_block *blocks; /* the one being filled first */
    const char **table;               /* by hash; room is a power of two */
    size_t count, room;
};

/* The text, kept until weir__texts_free(): the same pointer for the same text. NULL: no memory. */
const char *weir__texts_keep(struct weir__texts *t, const char *text);

/* Room for something else, aligned for anything, not cleared. NULL: no memory. */
void *weir__texts_room(struct weir__texts *t, size_t bytes);

void weir__texts_free(struct weir__texts *t);

#endif
