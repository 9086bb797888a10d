/* SPDX-License-Identifier: MIT */
/* A frame of weir top: the figures of a gateway as lines of text. No I/O.
 *
 * Threading: belongs to the task that draws.
 */
#ifndef APP_COMMANDS_TOP_FRAME_H
#define APP_COMMANDS_TOP_FRAME_H

#include "commands/top_view.h"
#include "text/terminal_text.h"

/* Adds the frame, with no more lines than the view has. */
void top_frame_write(struct top_view *view, struct terminal_text *out);

#endif
