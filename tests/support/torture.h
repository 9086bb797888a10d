/* SPDX-License-Identifier: MIT */
/* Cancel torture: runs a piece of code again and again, cancels its scope at the 1st, 2nd, … nth wait in it,
 * and checks each time that it ended properly and left nothing behind.
 *
 *     static int victim(void *arg)            // the tortured code: each wait in it and in its tasks
 *     {
 *         struct fixture *f = arg;
 *         return weir_stream_read(…);         // 0 if undisturbed; returns a cancel
 *     }
 *
 *     static int world(struct torture *t)     // not cancelled: peers, listeners
 *     {
 *         struct fixture f = {0};
 *         weir_scope peers;
 *         … weir_scope_open(&peers, weir_never(), 0); weir_spawn(&peers, …) …
 *         int result = torture_victim(t, victim, &f);
 *         … tear down; assert what must hold now, however victim ended …
 *         return result;
 *     }
 *
 *     static void reading_can_be_cancelled(void **state) { (void)state; torture(world, NULL); }
 *
 * Each wait is cancelled in three ways: as it begins; just after the task has parked; and a turn of the loop
 * later, when the kernel has the operation. This is done on every backend, each run in a runtime of its own,
 * until a run ends without reaching the wait to be cancelled.
 *
 * Checked after each run:
 *   - the victim returned 0 or more (it had succeeded, or handled the cancel), or -WEIR_ECANCELED; in the
 *     undisturbed run, 0 or more. Set t->also_fine in the world to allow one more code after a cancel;
 *   - the world returned (a hang is the test's time limit, under simulation a deadlock with a report);
 *   - no task, scope, timer, file, pending operation or lent buffer is left when the world has returned, and
 *     no descriptor of the process after the runtime. ASan checks memory: make asan.
 *
 * A failure names the backend, the wait and the way; repeat that run with torture_only().
 */
#ifndef TEST_SUPPORT_TORTURE_H
#define TEST_SUPPORT_TORTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "support/run.h"

enum torture_way { TORTURE_BEGIN, TORTURE_PARKED, TORTURE_LATER, TORTURE_WAYS };

struct torture {
    void *arg;      /* as given to torture() */
    int also_fine;  /* see above */
    bool disturbed; /* once the victim's scope has been cancelled */

    /* private to the harness */
    int (*world)(struct torture *t);
    enum weir_io io;
    bool in_memory; /* all connections are in memory; under simulation */
    enum torture_way way;
    uint64_t strike_at, waits;
    struct torture_strike *strike;
    int victim_result;
    bool victim_ran;
};

/* Runs the torture on every backend. Returns the number of waits that a run has, in all ways and on all
 * backends together. Under TSan one in four of them is cancelled. */
int torture(int (*world)(struct torture *t), void *arg);

/* Like torture(), and once more with all connections in memory (support/memory.h). */
int torture_all_transports(int (*world)(struct torture *t), void *arg);

/* Does one run, for debugging a failure; no wait is cancelled if at is 0. */
void torture_only(int (*world)(struct torture *t), void *arg, enum weir_io io, uint64_t at,
                  enum torture_way way);

/* Called once by the world: runs fn(arg) in a scope that may be cancelled, and returns its result. */
int torture_victim(struct torture *t, int (*fn)(void *arg), void *arg);

#endif
