/* SPDX-License-Identifier: MIT */
/* What weir top shows: one frame of the gateway's figures, from what its admin address answered. No I/O.
 *
 * Threading: belongs to the task that draws.
 */
#ifndef APP_COMMANDS_TOP_FRAME_H
#define APP_COMMANDS_TOP_FRAME_H

#include <jansson.h>

#include "commands/top_layout.h"
#include "text/terminal_text.h"

enum top_sort { TOP_BY_RATE, TOP_BY_P99, TOP_BY_ERRORS, TOP_AS_LISTED, TOP_SORTS };

struct top_view {
    const char *address;         /* who was asked */
    const json_t *stats;         /* the answer of /stats */
    const json_t *stalls;        /* of /stalls; NULL: there is none */
    const char *problem;         /* why no newer answer came; NULL: this is the newest */
    enum top_sort sort;          /* of the routes */
    bool last_60s;               /* figures of the last 60 s, not 10 s */
    bool paused, has_keys;       /* for its last line; without keys there is none */
    int height;                  /* lines; 0: as many as it takes */
    double now_s;                /* since 1970, for how long ago something was */
    enum top_section focus;      /* the section that the arrow keys scroll */
    size_t offset[TOP_SECTIONS]; /* items that are scrolled past; brought to where it can be */
};

/* Adds the frame, no more lines than fit. */
void top_frame_write(struct top_view *view, struct terminal_text *out);

#endif
