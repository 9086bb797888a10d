/* SPDX-License-Identifier: MIT */
/* The command line of the weir program: finds and runs the command, or shows the help.
 *
 * Threading: main thread.
 */
#ifndef APP_COMMANDS_CLI_H
#define APP_COMMANDS_CLI_H

/* Runs the command line.
 * Returns: the exit code.
 */
int cli_main(int argc, char **argv);

#endif
