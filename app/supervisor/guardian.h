/* SPDX-License-Identifier: MIT */
/* The guardian of a process of an application: its parent, so that nothing of it is left behind.
 *
 *     weir app-guardian USER COMMAND…      USER: "-" for that of the guardian
 *
 * The kernel kills a child with its parent, but not a grandchild. The guardian is the subreaper of all that
 * the application starts: a process that loses its parent becomes the guardian's child. It kills all of them
 * when the application ends, and when GUARDIAN_FD, a socket of the supervisor, ends: also when the supervisor
 * is killed. Then it ends as the application did, when none is left.
 *
 * On GUARDIAN_FD it writes the number of the application's process, "PID\n". Signals that it gets it passes
 * on to that process alone.
 *
 * Variables whose names begin with GUARDIAN_HIDES are those of the application, which gets them without that:
 * LD_LIBRARY_PATH and the like must have no effect on the guardian, which may be root where the application,
 * and who writes its libraries, is not.
 *
 * Threading: the main thread of a process of its own, which has no runtime.
 */
#ifndef APP_SUPERVISOR_GUARDIAN_H
#define APP_SUPERVISOR_GUARDIAN_H

#define GUARDIAN_COMMAND "app-guardian"
#define GUARDIAN_HIDES "WEIR_APP_ENV_"

enum { GUARDIAN_FD = 3, GUARDIAN_NOT_EXECUTED = 127 };

/* Runs the guardian, with the arguments behind GUARDIAN_COMMAND.
 * Returns: the exit code; a signal that ended the application ends the guardian, too. */
int guardian_main(int argc, char **argv);

#endif
