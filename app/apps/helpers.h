/* SPDX-License-Identifier: MIT */
/* What applications with a helper (weir_app.py, weir_app.cjs) tell of themselves: where a thread is, in the
 * files and lines of their language.
 *
 * The helper connects to the Unix socket that WEIR_APP_SOCKET names, says one line, and leaves the
 * connection open as long as its process lives:
 *     "weir-app 1 LANGUAGE SIGNAL"   SIGNAL: that makes the thread that gets it write its stack into the
 *                                    memory file (memfd_create(2)) that comes along; 0: there is none
 * A helper without a signal answers "stack N" by "stack N", the lines of the stack, and an empty line.
 *
 * Which process has connected is told by the kernel. A signal goes to no process that has not said hello
 * with it, and that has no handler for it. An application may lie: it gets a bounded time, its text is
 * bounded, and what it sends is never waited for.
 *
 * Threading: one thread at a time. helpers_stack() blocks up to HELPERS_PATIENCE_MS.
 */
#ifndef APP_APPS_HELPERS_H
#define APP_APPS_HELPERS_H

#include <stddef.h>
#include <sys/types.h>

#include <weir/error.h>

#include "apps/app_stack.h"

enum { HELPERS_MAX = 512, HELPERS_PATIENCE_MS = 250 };

struct helpers;

/* Writes the path of the socket. Returns: out; NULL: it is too long. */
const char *helpers_path(char *out, size_t room, const char *folder);

/* Opens the socket. Returns: 0; a negative errno. */
WEIR_CHECKED int helpers_open(const char *path, struct helpers **out);
void helpers_close(struct helpers *h);

/* Takes new ones in, reads what they say, and forgets those that have gone. Does not wait. */
void helpers_look(struct helpers *h);

/* How many there are: for tests. */
size_t helpers_count(const struct helpers *h);

/* Asks where a thread is. *out has depth 0 if its process has no helper, or does not answer in time. */
void helpers_stack(struct helpers *h, pid_t pid, pid_t tid, const char *folder, struct app_stack *out);

#endif
