/* SPDX-License-Identifier: MIT */
#include "commands/top_pieces.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "text/figures.h"

const json_t *top_window(const struct top_frame *f, const json_t *item)
{
    return json_object_get(item, f->view->last_60s ? "last_60s" : "last_10s");
}

double top_in_window(const struct top_frame *f, const json_t *item, const char *name)
{
    return figure_at(top_window(f, item), name);
}

const char *top_main_reason(const json_t *reasons)
{
    const char *name, *most = "";
    double count = 0;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)reasons, name, value)
    {
        if (json_number_value(value) > count) {
            count = json_number_value(value);
            most = name;
        }
    }
    return most;
}

double top_error_share(const struct top_frame *f, const json_t *route)
{
    const double requests = top_in_window(f, route, "requests");

    return requests > 0 ? top_in_window(f, route, "errors") / requests : NAN;
}

void top_number(const struct top_frame *f, enum line_style style, const char *text)
{
    const int number = f->figures->next++;

    if (!(f->figures->hidden & 1u << number))
        terminal_text_field(f->out, style, -TOP_NUMBER_COLUMNS, text);
}

void top_ms(const struct top_frame *f, double value)
{
    char text[FIGURE_BYTES];

    top_number(f, LINE_PLAIN, figure_ms(text, value));
}

void top_latencies(const struct top_frame *f, const json_t *item)
{
    top_ms(f, top_in_window(f, item, "p50"));
    top_ms(f, top_in_window(f, item, "p99"));
    top_ms(f, top_in_window(f, item, "p999"));
}

void top_count(const struct top_frame *f, double value)
{
    char text[FIGURE_BYTES];

    top_number(f, LINE_PLAIN, figure_count(text, value));
}

void top_rate(const struct top_frame *f, double value)
{
    char text[FIGURE_BYTES];

    top_number(f, LINE_PLAIN, figure_rate(text, value));
}

const char *top_title(const struct top_frame *f, enum top_section section, const char *text,
                      char room[TOP_TITLE_BYTES])
{
    if (!f->view->has_keys || f->view->focus != section)
        return text;
    snprintf(room, TOP_TITLE_BYTES, "> %s", text);
    return room;
}

void top_heads(const struct top_frame *f, enum top_section section, const char *first,
               const char *const *others)
{
    char room[TOP_TITLE_BYTES];

    terminal_text_field(f->out, LINE_QUIET, f->name_columns, top_title(f, section, first, room));
    for (; *others != NULL; others++)
        top_number(f, LINE_QUIET, *others);
    terminal_text_end(f->out);
}

void top_name(const struct top_frame *f, const char *text)
{
    terminal_text_field(f->out, LINE_STRONG, f->name_columns - 1, text);
    terminal_text_add(f->out, LINE_PLAIN, " ");
}
