/* SPDX-License-Identifier: MIT */
/* How long to wait before another start of what has ended: 0.1 s, doubling to 10 s; after a quiet minute 0.1
 * s again.
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_SUPERVISOR_BACKING_OFF_H
#define APP_SUPERVISOR_BACKING_OFF_H

#include <weir/time.h>

/* Zero: nothing has ended yet. */
struct backing_off {
    weir_duration wait;
    weir_instant ended; /* last time */
};

/* Notes that it has ended, against our will.
 * Returns: how long to wait now. */
static inline weir_duration backing_off_next(struct backing_off *b)
{
    const weir_instant now = weir_now();

    if (b->wait.ns == 0 || weir_between(b->ended, now).ns >= weir_seconds(60).ns)
        b->wait = weir_ms(100);
    else if (b->wait.ns < weir_seconds(5).ns)
        b->wait.ns *= 2;
    else
        b->wait = weir_seconds(10);
    b->ended = now;
    return b->wait;
}

#endif
