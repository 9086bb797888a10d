/* SPDX-License-Identifier: MIT */
/* No tree is built: sorted, the stacks that share their first frames stand beside each other, and a box is a
 * run of lines with the same frame at one depth. */
#include "admin/flame_graph.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 1200,
    ROW = 18,
    TOP = 44, /* of the first row: the title stands above */
    MARGIN = 8,
    DEPTH_MAX = 512,
    LETTER_TENTHS = 68, /* width of a letter, in tenths */
};
static const double narrowest = 0.25; /* boxes below that width are left out: nobody could see them */

struct stack {
    const char *text;
    size_t len;
    uint64_t samples;
};

struct graph {
    struct text_out *out;
    struct stack *stacks;
    size_t count;
    uint64_t samples;
    double per_sample; /* width */
    size_t depth;
};

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

static bool read_line(const char *line, size_t len, struct stack *stack)
{
    const char *space = memrchr(line, ' ', len);
    size_t text;

    if (space == NULL || space == line)
        return false;
    text = (size_t)(space - line);
    *stack = (struct stack){.text = line, .len = text};
    return read_count(space + 1, len - text - 1, &stack->samples);
}

static size_t depth_of(const struct stack *stack)
{
    size_t depth = 1;

    for (size_t i = 0; i < stack->len; i++)
        depth += stack->text[i] == ';';
    return depth;
}

static void read_stacks(struct graph *g, weir_bytes folded)
{
    const char *end = folded.data + folded.len;

    for (const char *line = folded.data, *next; line < end; line = next + 1) {
        size_t depth;
        struct stack *stack;

        next = memchr(line, '\n', (size_t)(end - line));
        if (next == NULL)
            next = end;
        stack = &g->stacks[g->count];
        if (!read_line(line, (size_t)(next - line), stack) || g->samples > UINT64_MAX - stack->samples)
            continue;
        depth = depth_of(stack);
        if (depth > DEPTH_MAX)
            continue;
        g->count++;
        g->samples += stack->samples;
        g->depth = depth > g->depth ? depth : g->depth;
    }
}

/* A frame's end counts as the least of bytes, so that "a;b" and "a" stay beside each other. */
static int byte_of(const struct stack *stack, size_t i)
{
    return i >= stack->len ? -1 : stack->text[i] == ';' ? 0 : (unsigned char)stack->text[i] + 1;
}

static int compare(const void *left, const void *right)
{
    const struct stack *a = left, *b = right;

    for (size_t i = 0;; i++) {
        const int x = byte_of(a, i), y = byte_of(b, i);
        if (x != y)
            return x < y ? -1 : 1;
        if (x < 0)
            return 0;
    }
}

/* --- drawing --- */

static void add_escaped(struct text_out *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)text[i];
        switch (c) {
        case '&':
            text_out_add(out, "&amp;");
            break;
        case '<':
            text_out_add(out, "&lt;");
            break;
        case '>':
            text_out_add(out, "&gt;");
            break;
        case '"':
            text_out_add(out, "&quot;");
            break;
        default:
            /* XML has no place for control characters, nor for what is not UTF-8 */
            text_out_printf(out, "%c", c < 32 || c > 126 ? '?' : c);
        }
    }
}

/* Warm, and the same for the same name in every graph. */
static unsigned hue_of(const char *name, size_t len)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return hash % 48 + 4;
}

/* As much of the name as the box is wide. */
static void draw_label(struct graph *g, const char *name, size_t len, double x, double y, double width)
{
    const double fits = (width - 6) * 10 / LETTER_TENTHS;
    bool whole;

    if (fits < 3)
        return;
    whole = (double)len <= fits;
    text_out_printf(g->out, "<text x=\"%.1f\" y=\"%.0f\">", x + 3, y + ROW - 5);
    add_escaped(g->out, name, whole ? len : (size_t)fits - 2);
    text_out_add(g->out, whole ? "</text>" : "..</text>");
}

static void draw_box(struct graph *g, const char *name, size_t len, uint64_t samples, double x, size_t depth)
{
    const double width = (double)samples * g->per_sample, y = (double)(TOP + (int)depth * ROW);

    text_out_add(g->out, "<g><title>");
    add_escaped(g->out, name, len);
    text_out_printf(g->out,
                    ": %llu sample%s, %.2f%%</title><rect x=\"%.1f\" y=\"%.0f\" width=\"%.2f\" height=\"%d\" "
                    "style=\"--hue:%u\"/>",
                    (unsigned long long)samples, samples == 1 ? "" : "s",
                    100 * (double)samples / (double)g->samples, x, y, width, ROW - 1, hue_of(name, len));
    draw_label(g, name, len, x, y, width);
    text_out_add(g->out, "</g>\n");
}

/* The frame that begins at the byte at. */
static size_t frame_len(const struct stack *stack, size_t at)
{
    const char *end = memchr(stack->text + at, ';', stack->len - at);

    return end != NULL ? (size_t)(end - stack->text) - at : stack->len - at;
}

static bool same_frame(const struct stack *a, const struct stack *b, size_t at, size_t len)
{
    return b->len >= at + len && frame_len(b, at) == len && memcmp(a->text + at, b->text + at, len) == 0;
}

/* The boxes below one: stacks first … end - 1 share the bytes before at. */
static void draw(struct graph *g, size_t first, size_t end, size_t at, size_t depth, double x)
{
    while (first < end) {
        const struct stack *stack = &g->stacks[first];
        uint64_t samples = 0;
        size_t next = first;
        size_t len;
        if (at > stack->len) { /* it ended with the frame above */
            x += (double)stack->samples * g->per_sample;
            first++;
            continue;
        }
        len = frame_len(stack, at);
        for (; next < end && g->stacks[next].len >= at && same_frame(stack, &g->stacks[next], at, len);
             next++)
            samples += g->stacks[next].samples;
        if ((double)samples * g->per_sample >= narrowest) {
            draw_box(g, stack->text + at, len, samples, x, depth);
            draw(g, first, next, at + len + 1, depth + 1, x);
        }
        x += (double)samples * g->per_sample;
        first = next;
    }
}

static const char style[] =
    "<style>svg{background:#fff;color-scheme:light dark}"
    "text{font:11px ui-monospace,'DejaVu Sans Mono',monospace;fill:#222;pointer-events:none}"
    ".title{font:600 15px system-ui,sans-serif;fill:#222}.note{font:12px system-ui,sans-serif;fill:#555}"
    "rect{fill:hsl(var(--hue) 85% 68%)}g:hover rect{stroke:#000}"
    "@media (prefers-color-scheme:dark){svg{background:#14171c}.title{fill:#eee}.note{fill:#aaa}"
    "rect{fill:hsl(var(--hue) 55% 34%)}text{fill:#f2f2f2}g:hover rect{stroke:#fff}}</style>\n";

static void draw_all(struct graph *g, const char *title)
{
    const int height = TOP + (int)(g->depth > 0 ? g->depth : 1) * ROW + MARGIN;

    text_out_printf(g->out,
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"100%%\" "
                    "role=\"img\">\n<title>",
                    WIDTH, height);
    add_escaped(g->out, title, strlen(title));
    text_out_add(g->out, "</title>\n");
    text_out_add(g->out, style);
    text_out_printf(g->out, "<text class=\"title\" x=\"%d\" y=\"18\">", MARGIN);
    add_escaped(g->out, title, strlen(title));
    text_out_printf(g->out, "</text>\n<text class=\"note\" x=\"%d\" y=\"35\">", MARGIN);
    if (g->samples == 0)
        text_out_add(g->out, "No samples: nothing computed meanwhile.</text>\n");
    else
        text_out_printf(g->out,
                        "%llu samples of CPU time; wider is more, callees stand below. Hover for a box's "
                        "share.</text>\n",
                        (unsigned long long)g->samples);
    draw(g, 0, g->count, 0, 0, MARGIN);
    text_out_add(g->out, "</svg>\n");
}

int flame_graph_write(struct text_out *out, weir_bytes folded, const char *title)
{
    struct graph g = {.out = out};
    size_t lines = 1;

    for (size_t i = 0; i < folded.len; i++)
        lines += folded.data[i] == '\n';
    g.stacks = calloc(lines, sizeof *g.stacks);
    if (g.stacks == NULL)
        return -ENOMEM;
    read_stacks(&g, folded);
    if (g.count > 1)
        qsort(g.stacks, g.count, sizeof *g.stacks, compare);
    g.per_sample = g.samples > 0 ? (double)(WIDTH - 2 * MARGIN) / (double)g.samples : 0;
    draw_all(&g, title);
    free(g.stacks);
    return 0;
}
