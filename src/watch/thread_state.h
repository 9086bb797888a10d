/* SPDX-License-Identifier: MIT */
/* What a thread is doing, as the kernel tells of it: running, or asleep in which call.
 *
 * Threading: plain values; the files are read by one thread at a time.
 */
#ifndef WEIR__WATCH_THREAD_STATE_H
#define WEIR__WATCH_THREAD_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum weir__thread_state_kind {
    WEIR__THREAD_UNKNOWN,
    WEIR__THREAD_RUNS, /* or is ready to */
    WEIR__THREAD_SLEEPS,
};

struct weir__thread_state {
    enum weir__thread_state_kind state;
    /* of one that sleeps */
    long call;       /* its number; -1: none, it waits for memory, say; -2: not known, nor what follows */
    uint64_t arg[6]; /* of the call */
    uintptr_t sp, pc;
};

struct weir__thread_state_files {
    int syscall, stat; /* of /proc/self/task/TID; -1: not to be had */
};

/* The text of the one file and of the other; the first says more, but not everybody may read it. */
struct weir__thread_state weir__thread_state_read_syscall(const char *text);
struct weir__thread_state weir__thread_state_read_stat(const char *text);

void weir__thread_state_open(struct weir__thread_state_files *f, pid_t tid);
void weir__thread_state_close(struct weir__thread_state_files *f);
struct weir__thread_state weir__thread_state_look(const struct weir__thread_state_files *f);

/* Whether it has not moved between two looks at it. */
bool weir__thread_state_is_same(const struct weir__thread_state *a, const struct weir__thread_state *b);

#endif
