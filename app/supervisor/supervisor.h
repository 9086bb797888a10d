/* SPDX-License-Identifier: MIT */
/* The supervisor of 'weir serve': opens the listening sockets, runs gateway processes behind them and
 * applications beside them, replaces what ends, puts new configurations into force, and answers for all of
 * them at the admin address. It has one loop and no connection to a client.
 *
 *     supervisor.c   the whole: start, signals, drain, end
 *     listeners.c    the listening sockets, which stay open over reloads
 *     in_force.c     the configuration in force: its text, read and checked
 *     state.c        what its files share: the end of all, what is logged of addresses
 *     answers.c      what the admin address asks it
 *     reload.c       a new configuration
 *     processes.c    the gateway processes: generations, which of them drain
 *     process.c      one of them: started, ready, ended, again
 *     control.c      what they say on their sockets
 *     members.c      their numbers in the shared memory
 *     backing_off.h  how long to wait before another start
 *     applications.c the applications at work: app_state.h lists their files
 *     children.c     the children of this process;  orphans.c  those that have lost their parent
 *     folder.c       the private folder for sockets;  listening_socket.c  one listening socket
 *     log_lines.c    texts of several lines in the log
 *     slimming.c     gives memory back that the start has used
 *     notify.c       systemd: readiness, reloading, watchdog
 *
 * Threading: the main thread, which runs the supervisor's loop until supervisor_run() returns.
 */
#ifndef APP_SUPERVISOR_SUPERVISOR_H
#define APP_SUPERVISOR_SUPERVISOR_H

#include <stdint.h>

#include <weir/process.h>

struct supervisor;

struct supervisor_options {
    const char *file; /* of the configuration */
    /* For tests under simulation: runs in place of gateway processes and applications. NULL: they are real */
    int (*simulate)(void *arg, weir_simulated_process *self);
    /* For the same tests: a task that runs beside them, and sees the supervisor (state.h). NULL: none */
    int (*beside)(void *arg, struct supervisor *supervisor);
    void *arg;
    uint64_t seed; /* of the simulation */
};

/* Serves until SIGTERM or SIGINT, and then the drain. If it can't serve, a message on stderr says why.
 * Returns: the exit code. */
int supervisor_run(const struct supervisor_options *options);

#endif
