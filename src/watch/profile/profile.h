/* SPDX-License-Identifier: MIT */
/* The inside of a profile. Threading as in <weir/profile.h>. */
#ifndef WEIR__WATCH_PROFILE_PROFILE_H
#define WEIR__WATCH_PROFILE_PROFILE_H

#include <weir/profile.h>

#include "watch/profile/sample.h"
#include "symbols/symbols.h"

struct weir__stack_count;
struct weir__threads;

struct weir_profile {
    weir_runtime *runtime; /* NULL: it has ended meanwhile */
    int hz;
    _Atomic(struct weir__samples *) samples; /* of each thread, those that have ended too; only grows */
    struct weir__symbols *symbols;
    struct weir__stack_count *stacks; /* by their text */
    size_t stack_count, stack_room;
    uint64_t lost;
    int err;
};

/* No thread of the runtime is left, and it goes: whoever profiles it keeps what it has. */
/* Has threads sampled that enter while a profile is taken. */
extern const struct weir__thread_hooks weir__profile_hooks __attribute__((visibility("hidden")));

void weir__profile_runtime_ends(struct weir__threads *threads);

#endif
