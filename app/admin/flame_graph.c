/* SPDX-License-Identifier: MIT */
/* No tree is built: in sorted stacks a box is a run of stacks with the same frame at one depth. */
#include "admin/flame_graph.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "admin/flame_stacks.h"

enum {
    WIDTH = 1200,
    ROW = 18,
    TOP = 44, /* of the first row: the title stands above */
    MARGIN = 8,
    LETTER_TENTHS = 68, /* width of a letter, in tenths */
};
static const double narrowest = 0.25; /* a box below that width is left out: it could not be seen */

struct graph {
    struct text_out *out;
    struct flame_stacks stacks;
    double per_sample; /* width */
};

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
            /* XML allows no control characters, and nothing but UTF-8 */
            text_out_printf(out, "%c", c < 32 || c > 126 ? '?' : c);
        }
    }
}

/* Returns: a warm hue, the same for one name in every graph. */
static unsigned hue_of(const char *name, size_t len)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return hash % 48 + 4;
}

/* Writes as much of the name as fits into the box. */
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
                    100 * (double)samples / (double)g->stacks.samples, x, y, width, ROW - 1,
                    hue_of(name, len));
    draw_label(g, name, len, x, y, width);
    text_out_add(g->out, "</g>\n");
}

/* Returns: the length of the frame that begins at the byte at. */
static size_t frame_len(const struct flame_stack *stack, size_t at)
{
    const char *end = memchr(stack->text + at, ';', stack->len - at);

    return end != NULL ? (size_t)(end - stack->text) - at : stack->len - at;
}

static bool same_frame(const struct flame_stack *a, const struct flame_stack *b, size_t at, size_t len)
{
    return b->len >= at + len && frame_len(b, at) == len && memcmp(a->text + at, b->text + at, len) == 0;
}

/* Draws the boxes below one: stacks first … end - 1 share the bytes before at. */
static void draw(struct graph *g, size_t first, size_t end, size_t at, size_t depth, double x)
{
    while (first < end) {
        const struct flame_stack *stack = &g->stacks.list[first];
        uint64_t samples = 0;
        size_t next = first;
        size_t len;
        if (at > stack->len) { /* it ended with the frame above */
            x += (double)stack->samples * g->per_sample;
            first++;
            continue;
        }
        len = frame_len(stack, at);
        for (; next < end && g->stacks.list[next].len >= at &&
               same_frame(stack, &g->stacks.list[next], at, len);
             next++)
            samples += g->stacks.list[next].samples;
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
    const int height = TOP + (int)(g->stacks.depth > 0 ? g->stacks.depth : 1) * ROW + MARGIN;

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
    if (g->stacks.samples == 0)
        text_out_add(g->out, "No samples: nothing used CPU time.</text>\n");
    else
        text_out_printf(g->out,
                        "%llu samples of CPU time; wider is more, callees stand below. Hover for a box's "
                        "share.</text>\n",
                        (unsigned long long)g->stacks.samples);
    draw(g, 0, g->stacks.count, 0, 0, MARGIN);
    text_out_add(g->out, "</svg>\n");
}

int flame_graph_write(struct text_out *out, weir_bytes folded, const char *title)
{
    struct graph g = {.out = out};
    int err = flame_stacks_open(&g.stacks, folded);

    if (err < 0)
        return err;
    if (g.stacks.samples > 0)
        g.per_sample = (double)(WIDTH - 2 * MARGIN) / (double)g.stacks.samples;
    draw_all(&g, title);
    flame_stacks_close(&g.stacks);
    return 0;
}
