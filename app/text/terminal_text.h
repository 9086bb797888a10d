/* SPDX-License-Identifier: MIT */
/* Lines of text for people: cut to a width, and styled if a terminal shows them. Any text may be added, such
 * as names of tasks and routes, which others choose: characters that would control a terminal are replaced.
 *
 * Threading: belongs to the task that writes.
 */
#ifndef APP_TEXT_TERMINAL_TEXT_H
#define APP_TEXT_TERMINAL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "text/text_out.h"

enum line_style { LINE_PLAIN, LINE_STRONG, LINE_QUIET, LINE_BAD, LINE_WARN, LINE_ACCENT, LINE_HEAD };

struct terminal_text {
    struct text_out text;
    int width;   /* in columns; 0: no limit */
    bool styled; /* writes a terminal's escape sequences */
    bool utf8;   /* characters beyond ASCII may be drawn */
    int column;  /* of the present line */
};

/* Begins an empty text of at most so many bytes. weir_buffer_free(&lines->text.text) frees it. */
void terminal_text_init(struct terminal_text *lines, size_t bytes_max);

/* Adds to the line. What does not fit is left out, which the last column shows. */
void terminal_text_add(struct terminal_text *lines, enum line_style style, const char *text);
void terminal_text_printf(struct terminal_text *lines, enum line_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a text in exactly so many columns, at their left; columns < 0: at the right of -columns. */
void terminal_text_field(struct terminal_text *lines, enum line_style style, int columns, const char *text);

/* Adds a bar of so many columns, filled to a share of 0 to 1. */
void terminal_text_bar(struct terminal_text *lines, enum line_style style, int columns, double share);

/* Ends the line. */
void terminal_text_end(struct terminal_text *lines);

#endif
