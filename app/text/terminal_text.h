/* SPDX-License-Identifier: MIT */
/* Lines of text for people: cut to a width, and styled where a terminal shows them. What is put in them may
 * be anything (names of tasks and routes are the world's): it is made harmless first.
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
    int width;   /* columns; 0: as wide as it gets */
    bool styled; /* with a terminal's styles */
    bool utf8;   /* other characters than ASCII may be drawn */
    int column;  /* in the line under way */
};

/* Ended by weir_buffer_free(&lines->text.text). */
void terminal_text_init(struct terminal_text *lines, size_t bytes_max);

/* Adds to the line. What does not fit is left out, and its last column says so. */
void terminal_text_add(struct terminal_text *lines, enum line_style style, const char *text);
void terminal_text_printf(struct terminal_text *lines, enum line_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds exactly so many columns, from the left; a negative number: from the right. */
void terminal_text_field(struct terminal_text *lines, enum line_style style, int columns, const char *text);

/* A bar of so many columns, filled as far as share says, 0 to 1. */
void terminal_text_bar(struct terminal_text *lines, enum line_style style, int columns, double share);

void terminal_text_end(struct terminal_text *lines);

#endif
