/* SPDX-License-Identifier: MIT */
/* The lag of a loop: how long what becomes ready at some instant (bytes that come, a timer that expires)
 * waits until the loop next polls. It is taken at instants about a millisecond apart, whether or not anything
 * became ready at them. So a loop that is held for a tenth of the time is late a tenth of the time, however
 * few turns that were. Taking it costs a comparison a turn.
 *
 * Threading: the loop's thread; the meter is read by any.
 */
#ifndef WEIR__CORE_ACCOUNT_LAG_H
#define WEIR__CORE_ACCOUNT_LAG_H

#include <stdint.h>

#include <weir/meter.h>

/* No multiple of usual intervals, so that it keeps no step with them. */
#define WEIR__LAG_EVERY_NS INT64_C(997000)

struct weir__lag {
    int64_t next_ns; /* the next instant to be taken */
    int64_t late_ns; /* what becomes ready from then on waits for the next poll */
    weir_meter meter;
};

static inline void weir__lag_init(struct weir__lag *lag, int64_t now_ns)
{
    lag->next_ns = lag->late_ns = now_ns;
}

/* Takes the instants up to now. */
void weir__lag_take(struct weir__lag *lag, int64_t now_ns);

/* The loop polls now: timers and the kernel. */
static inline void weir__lag_look(struct weir__lag *lag, int64_t now_ns)
{
    if (now_ns >= lag->next_ns)
        weir__lag_take(lag, now_ns);
    lag->late_ns = now_ns;
}

/* The loop then slept that long, having meant to sleep until due_ns at most: what came woke it. */
static inline void weir__lag_sleep(struct weir__lag *lag, int64_t sleep_ns, int64_t due_ns)
{
    int64_t woke_ns = lag->late_ns + sleep_ns;

    lag->late_ns = woke_ns < due_ns ? woke_ns : due_ns;
}

#endif
