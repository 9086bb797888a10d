/* SPDX-License-Identifier: MIT */
/* Calls that a task should not make: each is made in a task and outside of one, and what the guard says of it
 * is looked at. */
#ifndef TEST_GUARD_SINS_H
#define TEST_GUARD_SINS_H

#include "support/run.h"

struct sin {
    const char *call;       /* the name it should be reported by */
    const char *hint;       /* what the hint should speak of */
    void (*commit)(void);   /* makes the call once; what else it calls is no sin */
    void (*innocent)(void); /* the form of it that does not wait; or NULL: there is none */
};

/* Skips the test when the guard is not part of this build. The mode is `count` from here on. */
void need_guard(void);

/* For each sin: one report with the right name and hint when a task commits it, one more at the same place
 * when it does so again; none outside a task, and none when innocent. */
void check_sins(const struct sin *sins, size_t n);

/* How many calls were caught since the program began, all together. */
uint64_t caught(void);

/* Whether code of the test itself is there, and not of a library. */
bool is_of_this_program(const weir_frame *frame);

/* Runs fn as a task. */
void in_task(void (*fn)(void));

/* A descriptor of an empty file that lies on a disk; skips the test where there is none. */
int disk_file(void);

/* Two ends of a pipe; the one that is written to holds a byte already. */
void make_pipe(int ends[2], int flags);

/* A pair of connected sockets, with a byte waiting at each. */
void make_sockets(int ends[2], int type);

#endif
