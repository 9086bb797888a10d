/* SPDX-License-Identifier: MIT */
/* The rows of each section of weir top.
 *
 * Threading: constant.
 */
#ifndef APP_COMMANDS_TOP_ROWS_H
#define APP_COMMANDS_TOP_ROWS_H

#include "commands/top_pieces.h"

enum { TOP_FIGURES_MAX = 6 };

struct top_rows {
    const char *name;
    int figures;                              /* in a row */
    unsigned char least[TOP_FIGURES_MAX];     /* their numbers, what can best be done without first */
    void (*heads)(const struct top_frame *f); /* adds the line of headings */
    void (*row)(const struct top_frame *f, const json_t *item); /* adds an item, without its line break */
};

extern const struct top_rows top_rows[TOP_SECTIONS];

#endif
