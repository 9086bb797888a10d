/* SPDX-License-Identifier: MIT */
/* Standard output of a command that runs as a task. Its reader may stop reading, as a pager does, or a
 * terminal after Ctrl-S: then the task waits, not the loop, and signals end the command.
 *
 * Threading: tasks of the command's one loop.
 */
#ifndef APP_COMMANDS_OUTPUT_H
#define APP_COMMANDS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>

/* Writes all bytes, after those that stdio still holds.
 * Returns: 0; -EPIPE, -EIO the reader has gone; another errno; -WEIR_ECANCELED.
 */
WEIR_CHECKED int output_write(const char *data, size_t bytes);

/* Reports whether stdout still has a reader. Output without a reader is no failure. */
bool output_is_wanted(void);

/* Writes the last bytes, also in a task that is cancelled: blocks the loop, for half a second at most.
 * Returns: whether all bytes were written.
 */
bool output_write_last(const char *data, size_t bytes);

/* As output_write(), with a message on stderr when it fails. When the reader has gone, it has read all it
 * wanted, and the program ends with EXIT_FINE.
 * Returns: EXIT_FINE or EXIT_FAILED.
 */
int output_print(const char *data, size_t bytes);

#endif
