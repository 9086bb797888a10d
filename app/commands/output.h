/* SPDX-License-Identifier: MIT */
/* Standard output of a command that runs as a task. Its reader may stand still, as a terminal does after
 * Ctrl-S, or a pager: then the task waits, not the loop, and signals end the command.
 *
 * Threading: tasks of the command's one loop.
 */
#ifndef APP_COMMANDS_OUTPUT_H
#define APP_COMMANDS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>

/* Writes all of it, behind what stdio still holds.
 * Returns: 0; -EPIPE, -EIO its reader has gone; another errno; -WEIR_ECANCELED.
 */
WEIR_CHECKED int output_write(const char *data, size_t bytes);

/* Reports whether stdout still has a reader. Output that nobody can read any more is no failure. */
bool output_is_wanted(void);

/* The last word, also of a task that is cancelled: holds the loop, for half a second if it must.
 * Returns: whether all of it was taken.
 */
bool output_write_last(const char *data, size_t bytes);

/* As output_write(), and tells on stderr what went wrong.
 * Returns: EXIT_FINE or EXIT_FAILED. When the reader has gone, who has what was wanted, the program ends with
 * EXIT_FINE.
 */
int output_print(const char *data, size_t bytes);

#endif
