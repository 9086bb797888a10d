/* SPDX-License-Identifier: MIT */
/* Signals as something to wait for: by tasks (weir_signals), and by one thread of the process that is no
 * loop, which also hears them while every loop is held.
 *
 * Threading: weir__signals_deliver() on the loop's thread; the rest on the one thread that has begun, but for
 * weir__thread_signals_nudge().
 */
#ifndef WEIR__CORE_SIGNAL_H
#define WEIR__CORE_SIGNAL_H

#include <stddef.h>
#include <stdint.h>

struct weir__loop;

/* Wakes the tasks of the loop whose signals have come since the last call. The loop calls it on every turn.
 */
void weir__signals_deliver(struct weir__loop *loop);

/* Begins to catch these signals for the calling thread.
 * Returns: 0; -EINVAL a number that can't be caught; -EBUSY one of them is being caught, or another thread
 * has begun already.
 */
int weir__thread_signals_begin(const int *numbers, size_t count) __attribute__((warn_unused_result));

/* Waits for one of them; a signal that came twice is returned twice.
 * Returns: its number; 0: the instant has come, or a nudge. */
int weir__thread_signals_wait(int64_t until_ns);

/* Ends the wait. From any thread. */
void weir__thread_signals_nudge(void);

/* Restores the handlers that were there before. */
void weir__thread_signals_end(void);

#endif
