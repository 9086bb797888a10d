/* SPDX-License-Identifier: MIT */
/* Wrong usage of a command: the message on stderr, and the exit code.
 *
 * Threading: main thread.
 */
#ifndef APP_COMMANDS_USAGE_H
#define APP_COMMANDS_USAGE_H

/* Prints "weir COMMAND: what" and where the help is, on stderr.
 * Returns: EXIT_USAGE, so that a command can end with: return usage_error("serve", "no file given");
 */
int usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
