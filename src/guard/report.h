/* SPDX-License-Identifier: MIT */
/* Findings of the guard get their names, and are told in the log.
 *
 * Threading: any thread; one at a time names, which takes milliseconds, the first time perhaps a second. A
 * reporter is its runtime's: a thread that does so, so that no loop has to.
 */
#ifndef WEIR__GUARD_REPORT_H
#define WEIR__GUARD_REPORT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct weir__logger;
struct weir__places;

/* Names what has no names yet, and tells what is to be told and was not. Not on a task's stack, which is too
 * small for it. */
void weir__guard_name(struct weir__places *table, const struct weir__logger *logger);

struct weir__guard_reporter {
    struct weir__places *table;
    const struct weir__logger *logger;
    atomic_int word; /* what there is to do */
    bool runs;       /* has a thread */
    pthread_t thread;
};

/* Without a thread, when none is to be had, all is told at the end. */
void weir__guard_reporter_start(struct weir__guard_reporter *r, struct weir__places *table,
                                const struct weir__logger *logger);
/* There is something to tell. Safe in a signal handler. */
void weir__guard_reporter_wake(struct weir__guard_reporter *r);
/* Waits until all that has been found is named and told, some seconds at most. Safe in a signal handler. */
void weir__guard_reporter_await(struct weir__guard_reporter *r);
/* Tells what is left. */
void weir__guard_reporter_stop(struct weir__guard_reporter *r);

#endif
