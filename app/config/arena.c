/* SPDX-License-Identifier: MIT */
#include "config/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 16 * 1024 };

struct chunk {
    struct chunk *next;
    size_t used, size;
    _Alignas(max_align_t) unsigned char bytes[];
};

struct config_memory {
    struct chunk *chunks;
    bool failed;
};

struct config_memory *config_memory_open(void)
{
    return calloc(1, sizeof(struct config_memory));
}

void config_memory_free(struct config_memory *memory)
{
    if (memory == NULL)
        return;
    for (struct chunk *c = memory->chunks, *next; c != NULL; c = next) {
        next = c->next;
        free(c);
    }
    free(memory);
}

static struct chunk *add_chunk(struct config_memory *memory, size_t bytes)
{
    size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
    struct chunk *c = calloc(1, sizeof *c + size);

    if (c == NULL)
        return NULL;
    c->size = size;
    c->next = memory->chunks;
    memory->chunks = c;
    return c;
}

void *config_take(struct config_memory *memory, size_t bytes)
{
    const size_t step = _Alignof(max_align_t);
    struct chunk *c;
    void *taken;

    if (memory->failed || bytes > SIZE_MAX / 2) {
        memory->failed = true;
        return NULL;
    }
    bytes = (bytes + step - 1) / step * step;
    c = memory->chunks;
    if (c == NULL || c->size - c->used < bytes)
        c = add_chunk(memory, bytes);
    if (c == NULL) {
        memory->failed = true;
        return NULL;
    }
    taken = c->bytes + c->used;
    c->used += bytes;
    return taken;
}

char *config_take_text(struct config_memory *memory, const char *text, size_t length)
{
    char *copy = config_take(memory, length + 1);

    if (copy != NULL)
        memcpy(copy, text, length);
    return copy;
}

bool config_memory_failed(const struct config_memory *memory)
{
    return memory->failed;
}
