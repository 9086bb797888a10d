/* SPDX-License-Identifier: MIT */
/* Memory that is taken in pieces and freed at once, of which there may be too little.
 *
 * Threading: one thread.
 */
#ifndef TEST_SUPPORT_PIECES_H
#define TEST_SUPPORT_PIECES_H

#include <stddef.h>
#include <stdlib.h>

enum { PIECES_MAX = 16 };

struct pieces {
    void *piece[PIECES_MAX];
    int count, most; /* most: how many may be taken, at most PIECES_MAX */
};

/* Returns: NULL after the most that may be taken. arg: struct pieces. */
static inline void *pieces_take(void *arg, size_t bytes)
{
    struct pieces *p = arg;

    if (p->count == p->most)
        return NULL;
    return p->piece[p->count++] = malloc(bytes);
}

static inline void pieces_free(struct pieces *p)
{
    while (p->count > 0)
        free(p->piece[--p->count]);
}

#endif
