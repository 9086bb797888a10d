/* SPDX-License-Identifier: MIT */
/* Child processes: members of a scope, as tasks are.
 *
 *     const char *const argv[] = {"gunicorn", "-b", "unix:/run/shop.sock", "shop.wsgi", NULL};
 *
 *     weir_scope_open(&scope, weir_never(), 0);
 *     err = weir_process_start(&scope, &(weir_process_options){.argv = argv, .line = log_line}, &process);
 *     if (err == 0)
 *         err = weir_process_wait(process, &end);         // "exited with status 1", "ended by SIGKILL"
 *     (void)weir_scope_close(&scope);
 *
 * A process that is started in a scope does not outlive it. Closing the scope waits until it has ended. When
 * the scope is cancelled, or its deadline passes, the process is asked to end by its stop signal; if it has
 * not after its grace, it is killed. What is left of its group when it has ended, however it did, is killed.
 *
 * The process begins in a session of its own, with default signal actions, no signal blocked, the scheduling
 * that this program was started with, and no descriptor but those that are handed over and 0, 1 and 2. If
 * this program is killed, the kernel kills the process with it (prctl(2), PR_SET_PDEATHSIG), unless the
 * process has changed its own user or executed a set-user-ID program. That reaches the process itself and not
 * what it has started.
 *
 * Processes are started by a thread of the runtime that exists for this, so that no loop is held until
 * execve(2): on a busy machine that takes milliseconds. What starting needs to look up (the user, the program
 * in PATH) is looked up by that thread, too.
 *
 * Threading: a weir_process belongs to the loop of the task that started it, and only tasks of that loop use
 * it. Mistakes end the program, as those with a stream do (<weir/stream.h>).
 *
 * Under simulation nothing is executed: weir_process_options.simulate runs as a task in place of the process.
 *
 * A program that uses this header lets the runtime reap its children: it does not wait for any child, nor
 * ignore SIGCHLD. Children that are not weir_process stay its own.
 */
#ifndef WEIR_PROCESS_H
#define WEIR_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <weir/error.h>
#include <weir/scope.h>
#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_process weir_process;
typedef struct weir_simulated_process weir_simulated_process;

/* What becomes of the process's stdout and stderr. */
enum weir_process_output {
    WEIR_PROCESS_LINES,   /* each line is given to weir_process_options.line */
    WEIR_PROCESS_INHERIT, /* those of this program */
    WEIR_PROCESS_NULL     /* /dev/null */
};

enum {
    WEIR_PROCESS_LINE_BYTES = 4096, /* of a line at most: a longer one is given in pieces */
    WEIR_PROCESS_FDS_MAX = 128      /* descriptors that are handed over */
};

/* A descriptor that the process inherits. */
typedef struct weir_process_fd {
    int fd; /* of this program */
    int as; /* the number that the process finds it under; 3 or above, each once */
} weir_process_fd;

/* A zero field means its default, given in brackets. All is copied. */
typedef struct weir_process_options {
    /* The program and its arguments, ended by NULL. Not optional. The program is looked up in the PATH of
     * env, unless it has a slash; then it is relative to folder. */
    const char *const *argv;
    /* The program that is executed in place of argv[0], without being looked up: "/proc/self/exe" [as argv
     * says].
     */
    const char *program;
    const char *name;       /* in the log, the tree of tasks and errors [the last part of argv[0]] */
    const char *const *env; /* "NAME=value", ended by NULL: all of the environment [that of this program] */
    const char *folder;     /* that it begins in [that of this program] */
    const char *user;       /* it runs as: a name or a number, with the groups that the user has. This program
                               must be root. A number without an entry is that of the group, too [the user of this
                               program] */
    const weir_process_fd *fds;
    size_t fd_count;
    uint64_t memory_bytes_max;       /* of its data (RLIMIT_DATA): a belt, not a measure [no limit] */
    int descriptors_max;             /* soft and hard limit of them [as this program was started with] */
    enum weir_process_output output; /* of stdout and stderr; stdin is /dev/null */
    /* Called for each line of stdout and stderr, in the order in which they came, without the newline, in a
     * task of the process's loop; it may wait (not for the end of this process), and the process then waits
     * when its pipe is full. A last line without a newline is given as the stream ends. is_error: it came
     * from stderr. NULL: lines are logged, with the name of the process. */
    void (*line)(void *arg, bool is_error, const char *line, size_t length);
    int stop_signal;     /* that asks it to end [SIGTERM] */
    weir_duration grace; /* from the stop signal until it is killed [10 s]; negative: it is killed at once */
    /* Under simulation: runs as a task of the scope, in place of the process. Its result is the exit status;
     * a negative one stands for a death by that signal. */
    int (*simulate)(void *arg, weir_simulated_process *self);
    void *arg;                  /* passed to line and simulate */
    unsigned char reserved[64]; /* for later versions; zero */
} weir_process_options;

/* How a process ended. */
typedef struct weir_process_end {
    int status; /* it exited with; -1: a signal ended it */
    int signal; /* that ended it; 0: it exited */
    bool dumped_core;
    bool asked;                /* it had been asked to end, or was killed, by this program */
    int asked_by;              /* the signal that asked it; 0: none did, or it was killed without */
    weir_duration after_asked; /* from then to its end */
    weir_duration took;        /* from its start to its end */
    weir_duration cpu;         /* that it and those of its children that it has waited for have used */
    uint64_t memory_bytes_max; /* the most it had in memory (ru_maxrss) */
    unsigned char reserved[16];
} weir_process_end;

/* Starts a process as a member of scope.
 * Owns:    options are copied. *out is the scope's: valid until weir_scope_close() of it returns. A scope in
 *          which process after process is started keeps the records of all: give each a scope of its own.
 * Returns: 0: the program is being executed; -ENOENT, -EACCES, -ENOEXEC, -E2BIG …, as execve(2) of it;
 *          -ENOENT, -ENOTDIR, -EACCES of the folder; -EINVAL an option; -ESRCH no such user; -EPERM another
 *          user without being root; -EBADF a descriptor; -EAGAIN, -ENOMEM, -EMFILE, -ENFILE no resources;
 *          -ETIMEDOUT the program was not being executed after 10 s: the user's entry, the folder or the
 *          program cannot be read in time, or another process has stopped the new one; -ENOTSUP under
 *          simulation without simulate; -WEIR_ECANCELED, -WEIR_EDEADLINE. After an error nothing runs.
 * Cancel:  ends the wait; a process that was just started is killed.
 * Where:   task of the scope's loop. Waits.
 */
int weir_process_start(weir_scope *scope, const weir_process_options *options,
                       weir_process **out) WEIR_CHECKED;

/* Waits until the process has ended, and all its lines have been given. Any number of tasks may wait; all get
 * the same end. Lines that a process of its own holds back are not waited for longer than half a second.
 * Owns:    *end is the caller's; NULL: it is not wanted.
 * Returns: 0; -WEIR_ECANCELED, -WEIR_EDEADLINE.
 * Cancel:  ends the wait, not the process.
 * Where:   task of its loop. Waits.
 */
int weir_process_wait(weir_process *process, weir_process_end *end) WEIR_CHECKED;

/* Sends a signal to the process.
 * Returns: 0; -ESRCH it has ended; -EINVAL no such signal; -EPERM.
 * Where:   task of its loop. Does not wait.
 */
int weir_process_signal(weir_process *process, int number);

/* Sends a signal to all processes of its session that have not left its group.
 * Returns: 0; -ESRCH it has ended; -EINVAL no such signal; -EPERM none of them may be sent it.
 * Where:   task of its loop. Does not wait.
 */
int weir_process_signal_group(weir_process *process, int number);

/* Asks the process to end by its stop signal, unless it was asked before, and kills it when it has not ended
 * after grace, at once if that is negative. Waits for its end. For a process that has ended, only reports it.
 * Owns:    as weir_process_wait().
 * Returns: 0: it has ended; -WEIR_ECANCELED, -WEIR_EDEADLINE.
 * Cancel:  ends the wait; the process is killed when its grace has passed all the same.
 * Where:   task of its loop. Waits.
 */
int weir_process_stop(weir_process *process, weir_duration grace, weir_process_end *end);

/* Returns the number of the process.
 * Returns: > 0; it is that of no other process until weir_process_wait() returns.
 * Where:   task of its loop. Does not wait.
 */
pid_t weir_process_id(const weir_process *process);

enum { WEIR_PROCESS_END_BYTES = 64 };

/* Writes an end in words: "exited with status 1", "ended by SIGSEGV", "killed 10.0 s after SIGTERM".
 * Owns:    text is the caller's, WEIR_PROCESS_END_BYTES long.
 * Returns: text.
 * Where:   any thread.
 */
const char *weir_process_end_text(const weir_process_end *end, char *text);

/* --- a simulated process --- */

/* Waits for a signal that the process gets. SIGKILL is never returned: it ends the task's waits, this one and
 * all others, with -WEIR_ECANCELED. A signal that no call waits for ends the process as its default action
 * does, unless weir_simulated_process_ignore() was called for it.
 * Returns: the signal; -WEIR_ECANCELED it was killed; -WEIR_EDEADLINE.
 * Cancel:  ends the wait: a cancel of the scope of the process comes as its stop signal.
 * Where:   the simulated process's task. Waits.
 */
int weir_simulated_process_signal(weir_simulated_process *self) WEIR_CHECKED;

/* Keeps a signal from having an effect.
 * Where:   the simulated process's task. Does not wait.
 */
void weir_simulated_process_ignore(weir_simulated_process *self, int number);

/* Writes a line to stdout or stderr.
 * Owns:    line is copied.
 * Returns: 0; -WEIR_ECANCELED it was killed; -WEIR_EDEADLINE; -ENOMEM.
 * Cancel:  ends the wait; the line is not given.
 * Where:   the simulated process's task. Waits while nobody takes its lines.
 */
int weir_simulated_process_print(weir_simulated_process *self, bool is_error, const char *line) WEIR_CHECKED;

/* Returns the options that the process was started with. Descriptors are those of the program that has
 * started it.
 * Owns:    they are the process's, and valid while it runs.
 * Returns: never NULL.
 * Where:   the simulated process's task. Does not wait.
 */
const weir_process_options *weir_simulated_process_options(const weir_simulated_process *self);

#ifdef __cplusplus
}
#endif
#endif
