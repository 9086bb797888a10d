/* SPDX-License-Identifier: MIT */
/* The pieces that the lines of weir top are made of: figures of the chosen window, columns, titles.
 *
 * Threading: belongs to the task that draws.
 */
#ifndef APP_COMMANDS_TOP_PIECES_H
#define APP_COMMANDS_TOP_PIECES_H

#include <jansson.h>

#include "commands/top_layout.h"
#include "commands/top_view.h"
#include "text/terminal_text.h"

enum { TOP_NUMBER_COLUMNS = 9, TOP_TITLE_BYTES = 48 };

#define TOP_MANY_ERRORS 0.01 /* of the requests: a share that stands out */

/* The figures of a line. Those for which there is no room are left out. */
struct top_figures {
    unsigned hidden; /* bits of their numbers */
    int next;        /* number of the one that comes next */
};

/* A frame that is being written. */
struct top_frame {
    struct top_view *view;
    struct terminal_text *out;
    const json_t **items[TOP_SECTIONS]; /* in the order in which they are shown; NULL: as they are listed */
    const json_t *backends;             /* the rows of TOP_BACKENDS */
    int name_columns;
    struct top_figures *figures; /* of the line that is being written */
};

/* The figures of an item in the window that the view has chosen, and one of them; NAN when it has none. */
const json_t *top_window(const struct top_frame *f, const json_t *item);
double top_in_window(const struct top_frame *f, const json_t *item, const char *name);

/* The errors of a route or origin, as a share of its requests; NAN without requests. */
double top_error_share(const struct top_frame *f, const json_t *route);

/* The most frequent of reasons {"connect":12,…}; "" when there is none. */
const char *top_main_reason(const json_t *reasons);

/* Each adds the next figure of the line, right-aligned, unless it is left out; latencies: p50, p99, p99.9. */
void top_number(const struct top_frame *f, enum line_style style, const char *text);
void top_ms(const struct top_frame *f, double value);
void top_count(const struct top_frame *f, double value);
void top_rate(const struct top_frame *f, double value);
void top_latencies(const struct top_frame *f, const json_t *item);

/* Adds the name of an item, in the first column. */
void top_name(const struct top_frame *f, const char *text);

/* The title of a section: text, marked when the arrow keys scroll the section.
 * Returns: text, or room.
 */
const char *top_title(const struct top_frame *f, enum top_section section, const char *text,
                      char room[TOP_TITLE_BYTES]);

/* Adds the line of headings of a table: the first to the left, the others, ended by NULL, over their figures.
 */
void top_heads(const struct top_frame *f, enum top_section section, const char *first,
               const char *const *others);

#endif
