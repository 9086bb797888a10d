/* SPDX-License-Identifier: MIT */
/* Samples of what a thread does, taken by a signal on the thread itself.
 *
 * Threading: a thread's signal handler writes, whoever profiles reads: a ring between the two without a lock.
 * Beginning and ending are under the lock of the runtime's threads.
 */
#ifndef WEIR__WATCH_PROFILE_SAMPLE_H
#define WEIR__WATCH_PROFILE_SAMPLE_H

#include <stdatomic.h>
#include <stdint.h>

#include "symbols/symbols.h"
#include "core/thread.h"

enum { WEIR__SAMPLES_KEPT = 32, WEIR__SAMPLE_STACK_BYTES = 16 << 10, WEIR__SAMPLE_NAME_BYTES = 80 };

struct weir__sample {
    struct weir__registers registers;
    char route[WEIR__SAMPLE_NAME_BYTES], task[WEIR__SAMPLE_NAME_BYTES];
    uintptr_t low;
    size_t count;
    char stack[WEIR__SAMPLE_STACK_BYTES];
};

/* Of one thread; outlives it. */
struct weir__samples {
    struct weir__samples *next;
    _Atomic uint32_t written, read; /* ever; their difference is what is in the ring */
    _Atomic uint32_t lost;
    struct weir__sample ring[WEIR__SAMPLES_KEPT];
};

/* Has a thread sampled for this profile from now on. Returns: 0; -ENOMEM; -EAGAIN no timer. */
int weir__sampling_begin(struct weir_profile *profile, struct weir__thread *thread)
    __attribute__((warn_unused_result));
/* No handler of the thread writes any more when it returns. */
void weir__sampling_end(struct weir__thread *thread);

/* The handler of SIGPROF, for all profiles of the process. Returns: 0; a negative errno. */
int weir__sampling_catch(void) __attribute__((warn_unused_result));
void weir__sampling_uncatch(void);

#endif
