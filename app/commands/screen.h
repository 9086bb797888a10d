/* SPDX-License-Identifier: MIT */
/* The terminal as a screen of its own: entered, drawn on, and always given back as it was.
 *
 * Threading: one task at a time. A terminal that stands still is waited for as by output_write().
 */
#ifndef APP_COMMANDS_SCREEN_H
#define APP_COMMANDS_SCREEN_H

#include <stdbool.h>
#include <termios.h>

#include <weir/buffer.h>

struct screen {
    bool entered;
    bool has_keys; /* standard input is a terminal, too */
    struct termios before;
};

/* Takes the terminal over: another screen, no cursor, keys as they are pressed. Signals stay signals. */
void screen_enter(struct screen *screen);

/* Gives it back. Once is enough; twice does no harm. */
void screen_leave(struct screen *screen);

/* Shows a frame in place of the one before. */
void screen_draw(struct screen *screen, weir_bytes frame);

/* Its size; false when standard output is no terminal. */
bool screen_size(int *columns, int *rows);

/* Whether the terminal's language has more than ASCII, and whether colours are wanted. */
bool screen_is_utf8(void);
bool screen_wants_colours(void);

#endif
