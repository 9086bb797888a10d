/* SPDX-License-Identifier: MIT */
/* The command line of the weir program: finds the command, shows the help, ends with the exit code.
 *
 * Threading: main thread.
 */
#ifndef APP_COMMANDS_CLI_H
#define APP_COMMANDS_CLI_H

/* Runs what the command line asks for.
 * Returns: the exit code.
 */
int cli_main(int argc, char **argv);

#endif
