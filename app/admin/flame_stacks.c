/* SPDX-License-Identifier: MIT */
#include "admin/flame_stacks.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 512 };

/* --- reading --- */

static bool read_count(const char *digits, size_t len, uint64_t *out)
{
    uint64_t value = 0;

    for (size_t i = 0; i < len; i++) {
        if (digits[i] < '0' || digits[i] > '9' || value > UINT64_MAX / 100)
            return false;
        value = value * 10 + (uint64_t)(digits[i] - '0');
    }
    *out = value;
    return len > 0 && value > 0;
}

static bool read_line(const char *line, size_t len, struct flame_stack *stack)
{
    const char *space = memrchr(line, ' ', len);
    size_t text;

    if (space == NULL || space == line)
        return false;
    text = (size_t)(space - line);
    *stack = (struct flame_stack){.text = line, .len = text};
    return read_count(space + 1, len - text - 1, &stack->samples);
}

static size_t depth_of(const struct flame_stack *stack)
{
    size_t depth = 1;

    for (size_t i = 0; i < stack->len; i++)
        depth += stack->text[i] == ';';
    return depth;
}

static void read_stacks(struct flame_stacks *s, weir_bytes folded)
{
    const char *end = folded.data + folded.len;

    for (const char *line = folded.data, *next; line < end; line = next + 1) {
        size_t depth;
        struct flame_stack *stack;

        next = memchr(line, '\n', (size_t)(end - line));
        if (next == NULL)
            next = end;
        stack = &s->list[s->count];
        if (!read_line(line, (size_t)(next - line), stack) || s->samples > UINT64_MAX - stack->samples)
            continue;
        depth = depth_of(stack);
        if (depth > DEPTH_MAX)
            continue;
        s->count++;
        s->samples += stack->samples;
        s->depth = depth > s->depth ? depth : s->depth;
    }
}

/* --- order --- */

/* A frame's end counts as the least of bytes, so that "a;b" and "a" stay beside each other. */
static int byte_of(const struct flame_stack *stack, size_t i)
{
    return i >= stack->len ? -1 : stack->text[i] == ';' ? 0 : (unsigned char)stack->text[i] + 1;
}

static int compare(const void *left, const void *right)
{
    const struct flame_stack *a = left, *b = right;

    for (size_t i = 0;; i++) {
        const int x = byte_of(a, i), y = byte_of(b, i);
        if (x != y)
            return x < y ? -1 : 1;
        if (x < 0)
            return 0;
    }
}

int flame_stacks_open(struct flame_stacks *s, weir_bytes folded)
{
    size_t lines = 1;

    *s = (struct flame_stacks){0};
    for (size_t i = 0; i < folded.len; i++)
        lines += folded.data[i] == '\n';
    s->list = calloc(lines, sizeof *s->list);
    if (s->list == NULL)
        return -ENOMEM;
    read_stacks(s, folded);
    if (s->count > 1)
        qsort(s->list, s->count, sizeof *s->list, compare);
    return 0;
}

void flame_stacks_close(struct flame_stacks *s)
{
    free(s->list);
}
