/* SPDX-License-Identifier: MIT */
/* How the sections of weir top share the lines of a terminal, and which of their items are in view. No I/O.
 *
 * Threading: any.
 */
#ifndef APP_COMMANDS_TOP_LAYOUT_H
#define APP_COMMANDS_TOP_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

enum top_section { TOP_LOOPS, TOP_ROUTES, TOP_POOLS, TOP_ORIGINS, TOP_STALLS, TOP_SECTIONS };

/* Given: */
struct top_room {
    size_t lines; /* of the terminal, less what stands above and below the sections; 0: no limit */
    size_t items[TOP_SECTIONS];
    bool has_focus;
    enum top_section focus; /* gives way last */
};

/* Found: */
struct top_layout {
    bool spaced;               /* an empty line before each section */
    size_t rows[TOP_SECTIONS]; /* below the section's heads; 0: it is not shown */
    size_t left_out;           /* sections that have items and no room: a line says so */
};

struct top_layout top_layout_find(const struct top_room *room);

/* The items that stand in a section's rows: from..from + count; less than all: its last row says how many
 * more there are. offset is brought to where it can be. */
struct top_slice {
    size_t from, count;
    size_t before, after; /* not in view */
};

struct top_slice top_slice_of(size_t items, size_t rows, size_t *offset);

#endif
