/* SPDX-License-Identifier: MIT */
/* Mistakes of a caller, each made in a runtime in a child process, which must abort with a sentence. */
#ifndef TEST_SUPPORT_MISTAKE_H
#define TEST_SUPPORT_MISTAKE_H

#include <stdbool.h>
#include <stddef.h>

enum { MISTAKE_SAID_MAX = 3 };

struct mistake {
    int (*fn)(void *arg);               /* the first task; arg is NULL */
    const char *said[MISTAKE_SAID_MAX]; /* what the log has in it, in this order */
    int loops;                          /* 0: one */
    bool is_real; /* needs a real kernel: threads, loops or jobs; else it is simulated */
};

/* Makes each mistake, and checks that the program ended by abort() and said so. */
void assert_caught(const struct mistake *mistakes, size_t count);

/* Runs fn(arg) in a child process, and checks that it ends by abort() and that its log has these texts, at
 * most MISTAKE_SAID_MAX of them or up to a NULL, in this order. */
void assert_aborts(int (*fn)(void *arg), void *arg, const char *const *said);

#endif
