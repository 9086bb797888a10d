/* SPDX-License-Identifier: MIT */
/* The rules of a runtime under one name: what its loops have in common, and its members, one for each object
 * that is open.
 *
 * Threading: common is atomic. Options are immutable. The rest is under the lock, which is held for moments.
 */
#ifndef WEIR__ATTEMPTS_SHARED_H
#define WEIR__ATTEMPTS_SHARED_H

#include "core/handle.h"
#include "core/lock.h"
#include "core/loop.h"
#include "core/registry.h"
#include "http/client/attempts/attempts.h"
#include "http/client/labelled.h"

struct weir__attempts_block;

struct weir__attempts_shared {
    struct weir__registered registered; /* in runtime->shared, whose lock guards it and users */
    struct weir__registered seen;       /* in runtime->registry, for statistics */
    int users;
    char *name;
    struct weir__attempts_settings settings;
    struct weir__lock lock;
    struct weir__list members;          /* weir_attempts */
    struct weir__attempts_block *block; /* in shared memory; NULL: common is own */
    struct weir__attempts_common *common, own;
};

struct weir_attempts {
    struct weir__handle handle;
    struct weir__attempts rules;
    struct weir__attempts_shared *shared;
    struct weir__list node; /* under its lock */
    int64_t told_ns;        /* when this loop last said that the block is in use */
};

/* Finds the rules of this name, or makes them, and joins.
 * Returns: 0; -EINVAL; -WEIR_ECONFIG they have other options; -ENOMEM; -ENOSPC of shared memory. */
int weir__attempts_join(weir_attempts *a, struct weir__loop *loop,
                        const weir_attempts_options *options) WEIR_CHECKED;

/* Leaves; the last one frees them. */
void weir__attempts_leave(weir_attempts *a, struct weir__loop *loop);

/* Says, once a second, that a block of shared memory is in use: what it knows is kept for a minute. */
void weir__attempts_say_alive(weir_attempts *a, int64_t now_ns);

#endif
