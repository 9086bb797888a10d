/* SPDX-License-Identifier: MIT */
/* The view of weir top: the answers of the admin address, and the choices of its user.
 *
 * Threading: belongs to the task that draws.
 */
#ifndef APP_COMMANDS_TOP_VIEW_H
#define APP_COMMANDS_TOP_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "commands/top_layout.h"

enum top_sort { TOP_BY_RATE, TOP_BY_P99, TOP_BY_ERRORS, TOP_AS_LISTED, TOP_SORTS };

struct top_view {
    const char *address;         /* the admin address */
    const json_t *stats;         /* the answer of /stats */
    const json_t *stalls;        /* of /stalls; NULL: there is none */
    const char *problem;         /* why no newer answer came; NULL: this is the newest */
    enum top_sort sort;          /* of the routes */
    bool last_60s;               /* figures of the last 60 s, not 10 s */
    bool paused, has_keys;       /* for the last line, which is shown when there are keys */
    int height;                  /* lines; 0: no limit */
    double now_s;                /* since 1970, for the ages of stalls */
    enum top_section focus;      /* the section that the arrow keys scroll */
    size_t offset[TOP_SECTIONS]; /* items that are scrolled past; limited to the items that there are */
};

#endif
