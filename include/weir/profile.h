/* SPDX-License-Identifier: MIT */
/* Where CPU time goes: loops and pool workers are sampled by the CPU time they use, each sample attributed to
 * the route and the task or job it was spent for, with its stack.
 *
 * Threading: any thread but the runtime's own loops and workers; one profile is used by one thread at a time.
 * The loops of the runtime never wait for it.
 *
 *     weir_profile *profile;
 *     int err = weir_profile_start(runtime, 0, &profile);
 *     …                                           // weir_profile_collect() ten times a second
 *     err = weir_profile_stop(profile, &folded);  // "/report;GET /report;report;csv_sort 17"
 *
 * Each sampled thread has a timer on its own CPU clock (timer_create(2), CPU clock of a thread): who sleeps
 * is not sampled and not disturbed. The signal is SIGPROF, whose handler is the profile's while there is one.
 */
#ifndef WEIR_PROFILE_H
#define WEIR_PROFILE_H

#include <weir/buffer.h>
#include <weir/error.h>
#include <weir/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_profile weir_profile;

enum { WEIR_PROFILE_HZ = 97, WEIR_PROFILE_HZ_MAX = 1000 };

/* Begins to sample; hz: samples for a second of CPU time, 0 for WEIR_PROFILE_HZ.
 * Owns:    the caller owns *out and ends it with weir_profile_stop(). The runtime may end before: what was
 * sampled until then stays.
 * Returns: 0; -EINVAL hz is out of range; -WEIR_EBUSY the runtime is being profiled already; -ENOMEM; -EAGAIN
 * no timer; -ENOTSUP under simulation, which takes no time.
 * Where:   as said above. Does not wait.
 */
int weir_profile_start(weir_runtime *runtime, int hz, weir_profile **out) WEIR_CHECKED;

/* Takes in what was sampled so far and gives it names: for a profile longer than a tenth of a second, about
 * that often, for there is room for 32 samples of each thread; what finds none is counted as lost.
 * Where:   as said above. Takes milliseconds, the first time perhaps a second: not for a loop with other
 * work.
 */
void weir_profile_collect(weir_profile *profile);

/* Ends it and appends what was found as folded stacks, a line each, the most first:
 * "ROUTE;TASK;FUNCTION;FUNCTION COUNT", outermost function first. Time of no exchange has "-" for its route;
 * the loop's own has the task "loop 0". Jobs have "POOL: JOB" for their task. Samples that were lost are a
 * line of their own, "-;lost samples COUNT".
 * Owns:    profile is gone after it. folded NULL: only ends it.
 * Returns: 0; -ENOMEM; -WEIR_ETOOLARGE the buffer's maximum: it then has the lines for which there was room.
 * Where:   as said above. Takes milliseconds.
 */
int weir_profile_stop(weir_profile *profile, weir_buffer *folded) WEIR_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
