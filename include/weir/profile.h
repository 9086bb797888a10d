/* SPDX-License-Identifier: MIT */
/* CPU profiles: loops and pool workers are sampled by the CPU time they use. Each sample has its stack, and
 * is attributed to the route and the task or job that used the time.
 *
 * Threading: any thread except the runtime's own loops and workers; a profile is used by one thread at a
 * time. The loops of the runtime never wait for it.
 *
 *     weir_profile *profile;
 *     int err = weir_profile_open(runtime, 0, &profile);
 *     …                                           // weir_profile_collect() ten times a second
 *     err = weir_profile_close(profile, &folded);  // "/report;GET /report;report;csv_sort 17"
 *
 * Each sampled thread has a timer on its own CPU clock (timer_create(2)), so a sleeping thread is neither
 * sampled nor disturbed. The signal is SIGPROF; its handler is the profile's while a profile exists.
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

/* Begins to sample. hz: samples per second of CPU time, 0 for WEIR_PROFILE_HZ.
 * Owns:    the caller owns *out and ends it with weir_profile_close(). The runtime may end before that; the
 *          samples taken until then are kept.
 * Returns: 0; -EINVAL hz is out of range; -WEIR_EBUSY the runtime is being profiled already; -ENOMEM;
 *          -EAGAIN no timer; -ENOTSUP under simulation, which uses no CPU time.
 * Where:   as in Threading above. Does not wait.
 */
int weir_profile_open(weir_runtime *runtime, int hz, weir_profile **out) WEIR_CHECKED;

/* Collects the samples taken so far and finds their names. A profile longer than a tenth of a second needs
 * this call about every tenth of a second, because there is room for 32 samples of each thread; samples
 * that find no room are counted as lost.
 * Where:   as in Threading above. Takes milliseconds, the first time perhaps a second: not for a loop that
 *          has other work.
 */
void weir_profile_collect(weir_profile *profile);

/* Ends a profile and appends it as folded stacks, one per line, the most frequent first:
 * "ROUTE;TASK;FUNCTION;FUNCTION COUNT", outermost function first. Time that belongs to no exchange has "-"
 * as its route; a loop's own time has the task "loop 0". Jobs have "POOL: JOB" as their task. Lost samples
 * are a line of their own, "-;lost samples COUNT".
 * Owns:    frees profile. folded NULL: only ends it.
 * Returns: 0; -ENOMEM; -WEIR_ETOOLARGE the buffer's maximum was reached: it has the lines for which there
 *          was room.
 * Where:   as in Threading above. Takes milliseconds.
 */
int weir_profile_close(weir_profile *profile, weir_buffer *folded) WEIR_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
