/* SPDX-License-Identifier: MIT */
/* The state of a thread as the kernel reports it: running, or asleep in a system call.
 *
 * Threading: plain values; the files are used by one thread at a time.
 */
#ifndef WEIR__WATCH_THREAD_STATE_H
#define WEIR__WATCH_THREAD_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum weir__thread_status {
    WEIR__THREAD_UNKNOWN,
    WEIR__THREAD_RUNS, /* or is ready to */
    WEIR__THREAD_SLEEPS,
};

/* Values of weir__thread_state.call that are no number of a system call. */
enum {
    WEIR__CALL_NONE = -1,    /* asleep outside a call: waits for memory, say */
    WEIR__CALL_UNKNOWN = -2, /* not known; then arg, sp and pc are not either */
};

struct weir__thread_state {
    enum weir__thread_status status;
    /* of a thread that sleeps */
    long call;       /* the number of the system call, or as above */
    uint64_t arg[6]; /* of the call */
    uintptr_t sp, pc;
};

struct weir__thread_state_files {
    int syscall, stat; /* in /proc/self/task/TID; -1: could not be opened */
};

/* Parse the text of either file. "syscall" says more, but needs a permission that not every process has. */
struct weir__thread_state weir__thread_state_read_syscall(const char *text);
struct weir__thread_state weir__thread_state_read_stat(const char *text);

void weir__thread_state_open(struct weir__thread_state_files *f, pid_t tid);
void weir__thread_state_close(struct weir__thread_state_files *f);
struct weir__thread_state weir__thread_state_look(const struct weir__thread_state_files *f);

/* Whether the thread has not moved between two looks. */
bool weir__thread_state_is_same(const struct weir__thread_state *a, const struct weir__thread_state *b);

#endif
