/* SPDX-License-Identifier: MIT */
/* What the threads of an application's process do, and those of all processes below it, as /proc tells.
 *
 * Threading: plain values; any thread. Reading opens three files for each thread: for jobs, not for loops.
 */
#ifndef APP_APPS_PROC_FAMILY_H
#define APP_APPS_PROC_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PROC_FAMILY_THREADS_MAX = 256, PROC_FAMILY_PROCESSES_MAX = 64 };

enum proc_doing {
    PROC_UNKNOWN, /* asleep, and the kernel does not tell us in which call: another user's process */
    PROC_RUNS,    /* or is ready to */
    PROC_AWAITS,  /* sleeps where event loops, pools of threads and parents sleep: work may come from anywhere
                   */
    PROC_LOCKED,  /* sleeps in a futex: a free thread of a pool, or one that waits for a lock */
    PROC_BLOCKED, /* sleeps in another call: read, nanosleep, fsync …; cannot be interrupted */
    PROC_STOPPED, /* by a signal, or a debugger */
};

struct proc_thread {
    pid_t pid, tid;
    enum proc_doing doing;
    int64_t cpu_ns, delay_ns; /* on a CPU; ready, and not on a CPU. Since it began */
};

struct proc_family {
    int64_t at_ns; /* of the monotonic clock */
    bool whole;    /* there were no more threads than have room */
    size_t count;
    struct proc_thread threads[PROC_FAMILY_THREADS_MAX];
};

/* Reads all of it. Processes that run this program itself are left out, and those that end meanwhile. */
void proc_family_read(pid_t pid, struct proc_family *out);

/* Parse the text of a thread's "syscall" and "stat" files; stat has the state alone. */
enum proc_doing proc_doing_of_syscall(const char *text);
enum proc_doing proc_doing_of_stat(const char *text);

#endif
