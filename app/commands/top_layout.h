/* SPDX-License-Identifier: MIT */
/* The layout of weir top: the rows of each section in a terminal, and the items that are in view. No I/O.
 *
 * Threading: any.
 */
#ifndef APP_COMMANDS_TOP_LAYOUT_H
#define APP_COMMANDS_TOP_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

enum top_section { TOP_LOOPS, TOP_ROUTES, TOP_POOLS, TOP_BACKENDS, TOP_ORIGINS, TOP_STALLS, TOP_SECTIONS };

/* The room that is to be divided. */
struct top_room {
    size_t lines; /* of the terminal, less those above and below the sections; 0: no limit */
    size_t items[TOP_SECTIONS];
    bool has_focus;
    enum top_section focus; /* loses its rows last */
};

struct top_layout {
    bool spaced;               /* an empty line before each section */
    size_t rows[TOP_SECTIONS]; /* below the section's headings; 0: it is not shown */
    size_t left_out;           /* sections with items, but without room; a line says so */
};

struct top_layout top_layout_find(const struct top_room *room);

/* The items that a section shows. If it can't show all, its last row counts the others. */
struct top_slice {
    size_t from, count;
    size_t before, after; /* items that are not in view */
};

/* Finds the items to show, and limits *offset to the items that there are. */

struct top_slice top_slice_of(size_t items, size_t rows, size_t *offset);

#endif
