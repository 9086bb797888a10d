/* SPDX-License-Identifier: MIT */
/* Signals heard by a thread that is no loop: what weir_signals is for a task, but also while every loop is
 * held.
 *
 * Threading: one thread of the process at a time has them; whoever it is calls all of this, but for the
 * nudge.
 */
#ifndef WEIR__HEAR_H
#define WEIR__HEAR_H

#include <stddef.h>
#include <stdint.h>

/* Begins to catch these signals.
 * Returns: 0; -EINVAL a number that can't be caught; -EBUSY one of them is being caught, or a thread hears
 *          others already.
 */
int weir__hear_begin(const int *numbers, size_t count) __attribute__((warn_unused_result));

/* Waits for one; each time it came counts. Returns: its number; 0: the instant has come, or a nudge. */
int weir__hear_next(int64_t until_ns);

/* Ends the wait: any thread. */
void weir__hear_nudge(void);

/* Restores what was before. */
void weir__hear_end(void);

#endif
