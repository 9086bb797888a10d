/* SPDX-License-Identifier: MIT */
/* Sins: calls that a task should not make. Each is made in a task and outside of one, and the report of the
 * guard is checked. */
#ifndef TEST_GUARD_SINS_H
#define TEST_GUARD_SINS_H

#include "support/run.h"

struct sin {
    const char *call;       /* the name in the report */
    const char *hint;       /* a part of the hint */
    void (*commit)(void);   /* makes the call once, and no other sin */
    void (*innocent)(void); /* the same call in a form that does not wait; NULL: there is none */
};

/* Sets the mode to count. Skips the test if the guard is not part of this build. */
void need_guard(void);

/* Checks for each sin: one finding with the right name and hint when a task commits it, one more count at the
 * same place when it does so again; none outside a task, and none in the innocent form. */
void check_sins(const struct sin *sins, size_t n);

/* The number of all calls caught since the program began. */
uint64_t caught(void);

/* Whether the address is in code of the test itself, not of a library. */
bool is_of_this_program(const weir_frame *frame);

/* Runs fn as a task. */
void in_task(void (*fn)(void));

/* Opens an empty file on a disk; skips the test if there is no disk. */
int disk_file(void);

/* Opens a pipe that holds a byte. */
void make_pipe(int ends[2], int flags);

/* Opens a pair of connected sockets, with a byte to read at each. */
void make_sockets(int ends[2], int type);

#endif
