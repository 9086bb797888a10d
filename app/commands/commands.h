/* SPDX-License-Identifier: MIT */
/* The commands of the weir program. One command is one file: its function and its help text.
 *
 * Threading: a command runs on the main thread and owns the process.
 *
 * argv[0] is the command's name and argv[1] its first argument; "--help" never reaches it. It returns the
 * exit code: EXIT_FINE, EXIT_FAILED (it could not be done; the reason is on stderr) or EXIT_USAGE (see
 * cli_usage). The help text begins with "usage: weir NAME …", says what each option does and ends with
 * examples.
 */
#ifndef APP_COMMANDS_COMMANDS_H
#define APP_COMMANDS_COMMANDS_H

enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

int command_check(int argc, char **argv);
extern const char command_check_help[];

int command_serve(int argc, char **argv);
extern const char command_serve_help[];

int command_demo(int argc, char **argv);
extern const char command_demo_help[];

int command_load(int argc, char **argv);
extern const char command_load_help[];

int command_top(int argc, char **argv);
extern const char command_top_help[];

int command_stalls(int argc, char **argv);
extern const char command_stalls_help[];

int command_advise(int argc, char **argv);
extern const char command_advise_help[];

int command_profile(int argc, char **argv);
extern const char command_profile_help[];

int command_tasks(int argc, char **argv);
extern const char command_tasks_help[];

/* Whether somebody still reads stdout; who has left is not told that it can't be written. */
int cli_output_is_wanted(void);

/* Says on stderr "weir COMMAND: what" and where the help is.
 * Returns: EXIT_USAGE, so that a command can end with: return cli_usage("serve", "no file given");
 */
int cli_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
