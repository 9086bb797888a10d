/* SPDX-License-Identifier: MIT */
/* The commands of the weir program. Each command is a file: its function and its help text.
 *
 * Threading: a command runs on the main thread and owns the process.
 *
 * argv[0] is the command's name and argv[1] its first argument; cli.c answers "--help". A command returns the
 * exit code: EXIT_FINE, EXIT_FAILED (it could not be done; the reason is on stderr) or EXIT_USAGE (see
 * usage.h). The help text begins with "usage: weir NAME …", says what each option does and ends with
 * examples.
 */
#ifndef APP_COMMANDS_COMMANDS_H
#define APP_COMMANDS_COMMANDS_H

enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

int command_check(int argc, char **argv);
extern const char command_check_help[];

int command_serve(int argc, char **argv);
extern const char command_serve_help[];

/* What a supervisor executes, with descriptors that are handed over: gateway/handed.h. Not in the help. */
int command_gateway_process(int argc, char **argv);
extern const char command_gateway_process_help[];

int command_demo(int argc, char **argv);
extern const char command_demo_help[];

int command_load(int argc, char **argv);
extern const char command_load_help[];

int command_top(int argc, char **argv);
extern const char command_top_help[];

int command_outliers(int argc, char **argv);
extern const char command_outliers_help[];
int command_stalls(int argc, char **argv);
extern const char command_stalls_help[];

int command_advise(int argc, char **argv);
extern const char command_advise_help[];

int command_profile(int argc, char **argv);
extern const char command_profile_help[];

int command_status(int argc, char **argv);
extern const char command_status_help[];

int command_reload(int argc, char **argv);
extern const char command_reload_help[];

int command_drain(int argc, char **argv);
extern const char command_drain_help[];

int command_tasks(int argc, char **argv);
extern const char command_tasks_help[];

#endif
