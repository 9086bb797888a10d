/* SPDX-License-Identifier: MIT */
/* The verdict on an application's process: what kept it from other work between two readings of /proc.
 *
 * Threading: pure functions of plain values.
 *
 * A process is held when it could not have done anything else meanwhile: one of its processes used, or
 * wanted, a CPU nearly all the time; it was stopped by a signal; its main thread slept in a call that waits
 * for one thing; or as many of its threads did so as it may have requests. An event loop that waits for a
 * backend is not held.
 */
#ifndef APP_APPS_APP_HELD_H
#define APP_APPS_APP_HELD_H

#include "apps/proc_family.h"

enum app_held { APP_NOT_HELD, APP_COMPUTING, APP_BLOCKED, APP_STOPPED, APP_STARVED };

struct app_held_by {
    enum app_held how;
    pid_t pid, tid; /* the thread that did it */
};

/* Names it: "computing" … */
const char *app_held_name(enum app_held how);

/* places: how many requests the process may have at the same time. */
struct app_held_by app_held_of(const struct proc_family *before, const struct proc_family *now, int places);

#endif
