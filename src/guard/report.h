/* SPDX-License-Identifier: MIT */
/* Names the findings of the guard and reports them in the log.
 *
 * Threading: any thread; a lock lets one thread name at a time. Naming takes milliseconds, the first time up
 * to a second. Each runtime has a reporter, a thread that names, so that no loop has to.
 */
#ifndef WEIR__GUARD_REPORT_H
#define WEIR__GUARD_REPORT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct weir__logger;
struct weir__places;

/* Names the places that have no names yet, and logs those that are reportable and not reported yet. logger
 * NULL: only names. Not from a task, whose stack is too small for it. */
void weir__guard_name(struct weir__places *table, const struct weir__logger *logger);

struct weir__guard_reporter {
    struct weir__places *table;
    const struct weir__logger *logger;
    atomic_int word; /* what the thread has to do */
    bool runs;       /* the thread exists */
    pthread_t thread;
};

/* Starts the thread. If that fails, everything is reported by weir__guard_reporter_stop(). */
void weir__guard_reporter_start(struct weir__guard_reporter *r, struct weir__places *table,
                                const struct weir__logger *logger);
/* Wakes the thread after a new finding. Async-signal-safe. */
void weir__guard_reporter_wake(struct weir__guard_reporter *r);
/* Waits until all findings are named and reported, some seconds at most. Async-signal-safe. */
void weir__guard_reporter_await(struct weir__guard_reporter *r);
/* Ends the thread, and reports what is left. */
void weir__guard_reporter_stop(struct weir__guard_reporter *r);

#endif
