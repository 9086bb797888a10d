/* SPDX-License-Identifier: MIT */
/* The inside of a profile. Included by the files of this folder alone.
 *
 * Threading: as <weir/profile.h>.
 *
 * Each file uses only files above it:
 *
 *     sample.c        samples of a thread, taken by its signal handler
 *     profile_fold.c  folds samples into counts of stacks
 *     profile.c       starts and stops a profile
 */
#ifndef WEIR__WATCH_PROFILE_PROFILE_INSIDE_H
#define WEIR__WATCH_PROFILE_PROFILE_INSIDE_H

#include <weir/profile.h>

#include "symbols/symbols.h"
#include "watch/profile/sample.h"

struct weir__stack_count {
    char *text; /* folded: frames joined by ';', outermost first. NULL: this place is free */
    uint64_t samples;
};

struct weir_profile {
    weir_runtime *runtime; /* NULL: it has ended meanwhile */
    int hz;
    _Atomic(struct weir__samples *) samples; /* of each thread, also of threads that have ended; only grows */
    struct weir__symbols *symbols;
    struct weir__stack_count *stacks; /* a hash table by text; stack_room is 0 or a power of two */
    size_t stack_count, stack_room;
    uint64_t lost;
    int err; /* the first failure to count a stack */
};

/* --- profile_fold.c --- */

/* Counts a sample by its folded stack. Sets profile->err without memory. */
void weir__profile_fold(weir_profile *profile, const struct weir__sample *sample);
/* Adds to the count of a folded stack. Returns: 0; -ENOMEM. */
int weir__profile_count(weir_profile *profile, const char *text, uint64_t samples)
    __attribute__((warn_unused_result));
/* Orders the stacks: most samples first, free places last. */
void weir__profile_sort(weir_profile *profile);
void weir__profile_free_stacks(weir_profile *profile);

#endif
