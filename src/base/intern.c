/* SPDX-License-Identifier: MIT */
#include "base/intern.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 64 << 10, TABLE_ROOM_MIN = 256, ALIGNMENT = 16 };

struct weir__intern_block {
    struct weir__intern_block *next;
    size_t used, room;
    _Alignas(ALIGNMENT) char bytes[];
};

void *weir__intern_room(struct weir__intern *t, size_t bytes)
{
    struct weir__intern_block *b = t->blocks;
    size_t rounded = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);

    if (rounded < bytes)
        return NULL;
    if (b == NULL || b->room - b->used < rounded) {
        size_t room = rounded > BLOCK_BYTES ? rounded : BLOCK_BYTES;
        b = malloc(sizeof *b + room);
        if (b == NULL)
            return NULL;
        *b = (struct weir__intern_block){.next = t->blocks, .room = room};
        t->blocks = b;
    }
    b->used += rounded;
    return b->bytes + b->used - rounded;
}

static uint64_t hash_of(const char *text, size_t len)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
    return hash ^ hash >> 29;
}

/* Returns: the place in the table where the text is, or belongs. */
static const char **place_of(const struct weir__intern *t, const char *text, size_t len)
{
    size_t at = hash_of(text, len) & (t->room - 1);

    while (t->table[at] != NULL && strcmp(t->table[at], text) != 0)
        at = (at + 1) & (t->room - 1);
    return &t->table[at];
}

static int grow(struct weir__intern *t)
{
    struct weir__intern larger = {.room = t->room == 0 ? TABLE_ROOM_MIN : 2 * t->room};

    larger.table = calloc(larger.room, sizeof *larger.table);
    if (larger.table == NULL)
        return -1;
    for (size_t i = 0; i < t->room; i++)
        if (t->table[i] != NULL)
            *place_of(&larger, t->table[i], strlen(t->table[i])) = t->table[i];
    free(t->table);
    t->table = larger.table;
    t->room = larger.room;
    return 0;
}

const char *weir__intern_keep(struct weir__intern *t, const char *text)
{
    size_t len = strlen(text);
    const char **place;
    char *copy;

    if (2 * (t->count + 1) > t->room && grow(t) < 0)
        return NULL;
    place = place_of(t, text, len);
    if (*place != NULL)
        return *place;
    copy = weir__intern_room(t, len + 1);
    if (copy == NULL)
        return NULL;
    t->count++;
    return *place = memcpy(copy, text, len + 1);
}

const char *weir__intern_find(const struct weir__intern *t, const char *text)
{
    return t->room > 0 ? *place_of(t, text, strlen(text)) : NULL;
}

void weir__intern_free(struct weir__intern *t)
{
    for (struct weir__intern_block *b = t->blocks, *next; b != NULL; b = next) {
        next = b->next;
        free(b);
    }
    free(t->table);
    *t = (struct weir__intern){0};
}
