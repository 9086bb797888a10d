/* SPDX-License-Identifier: MIT */
/* The terminal's alternate screen: entered, drawn on, and always left with the terminal as it was.
 *
 * Threading: one task at a time. Writing waits for a stopped terminal as output_write() does.
 */
#ifndef APP_COMMANDS_SCREEN_H
#define APP_COMMANDS_SCREEN_H

#include <stdbool.h>
#include <termios.h>

#include <weir/buffer.h>

struct terminal_text;

struct screen {
    bool entered;
    bool has_keys; /* standard input is a terminal, too */
    struct termios before;
};

/* Enters the alternate screen: no cursor, and keys as they are pressed. Keys that send signals still do. */
void screen_enter(struct screen *screen);

/* Leaves the screen and restores the terminal. A second call does nothing. */
void screen_leave(struct screen *screen);

/* Shows a frame in place of the last. */
void screen_draw(struct screen *screen, weir_bytes frame);

/* Reads the size of the terminal.
 * Returns: false when standard output is no terminal. */
bool screen_size(int *columns, int *rows);

/* Report whether the terminal's locale has UTF-8, and whether colours are wanted. */
bool screen_is_utf8(void);
bool screen_wants_colours(void);

/* Begins text of at most so many bytes for standard output, as its terminal takes it. */
void screen_text_begin(struct terminal_text *out, size_t bytes_max);

/* Prints that text as output_print() does, and frees it. Returns: EXIT_FINE or EXIT_FAILED. */
int screen_text_print(struct terminal_text *out);

#endif
