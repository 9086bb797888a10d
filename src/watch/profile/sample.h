/* SPDX-License-Identifier: MIT */
/* Samples of a thread's stack, taken by a signal handler on the thread itself.
 *
 * Threading: the handler writes and the profiling thread reads, through a ring without a lock. Beginning and
 * ending need the lock of the runtime's threads.
 */
#ifndef WEIR__WATCH_PROFILE_SAMPLE_H
#define WEIR__WATCH_PROFILE_SAMPLE_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/thread.h"
#include "symbols/symbols.h"

enum { WEIR__SAMPLES_KEPT = 32, WEIR__SAMPLE_STACK_BYTES = 16 << 10, WEIR__SAMPLE_NAME_BYTES = 80 };

struct weir__sample {
    struct weir__registers registers;
    char route[WEIR__SAMPLE_NAME_BYTES], task[WEIR__SAMPLE_NAME_BYTES];
    uintptr_t low;
    size_t count;
    char stack[WEIR__SAMPLE_STACK_BYTES];
};

/* The samples of one thread. They outlive it. */
struct weir__samples {
    struct weir__samples *next;
    _Atomic uint32_t written, read; /* totals; the ring holds the difference */
    _Atomic uint32_t lost;
    struct weir__sample ring[WEIR__SAMPLES_KEPT];
};

/* Begins to sample a thread for this profile. Returns: 0; -ENOMEM; -EAGAIN: no timer. */
int weir__sampling_begin(struct weir_profile *profile, struct weir__thread *thread)
    __attribute__((warn_unused_result));
/* Ends the sampling of a thread. When it returns, no handler of the thread writes any more. */
void weir__sampling_end(struct weir__thread *thread);

/* Installs the handler of SIGPROF for all profiles of the process. Each call that succeeds is undone by one
 * uncatch. Returns: 0; a negative errno. */
int weir__sampling_catch(void) __attribute__((warn_unused_result));
void weir__sampling_uncatch(void);

#endif
