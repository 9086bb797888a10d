/* SPDX-License-Identifier: MIT */
/* What an executed process writes to stdout and stderr, as lines.
 *
 * Threading: the loop's thread.
 */
#ifndef WEIR__PROCESS_OUTPUT_H
#define WEIR__PROCESS_OUTPUT_H

#include <weir/process.h>

struct weir__output;

/* Begins to poll the pipes of stdout and stderr, which stay the caller's.
 * Owns:    the caller frees *out by free() after weir__output_close(), which it calls after an error, too,
 * unless *out is NULL.
 * Returns: 0; -ENOMEM, -EMFILE. */
int weir__output_open(const int fds[2], struct weir__output **out) WEIR_CHECKED;

/* Gives the lines to the program, until both pipes end. By a task; waits. */
void weir__output_read(struct weir__output *output, struct weir_process *process);

/* What another process holds a pipe for is not waited for longer than half a second from now. */
void weir__output_end(struct weir__output *output);

/* Ends the polling. By a task; waits. */
void weir__output_close(struct weir__output *output);

#endif
