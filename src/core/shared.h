/* SPDX-License-Identifier: MIT */
/* Shared memory, inside: its header, and the lock that all processes have in common.
 *
 *     shared.c        the memory, its blocks, counts
 *     shared_bell.c   waking another member
 *
 * Threading: any thread of any process.
 */
#ifndef WEIR__CORE_SHARED_H
#define WEIR__CORE_SHARED_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/shared.h>

#include "base/list.h"

/* What wakes a member: a word that grows, and that its thread sleeps on. */
struct weir__shared_bell {
    _Atomic uint32_t rung;
    _Atomic uint32_t heard; /* what `rung` was when the member last looked */
};

/* Stands at the beginning of the memory; the blocks follow it, one behind the other. */
struct weir__shared_header {
    uint64_t magic;
    uint32_t version;
    uint32_t header_bytes; /* another build may have another mutex */
    uint64_t bytes;        /* of the file */
    pthread_mutex_t lock;
    _Atomic uint64_t used; /* where the next block will begin. All below it is complete and stays as it is */
    atomic_int members;    /* the greatest member that ever joined, plus one: the cells that a sum looks at */
    struct weir__shared_bell bells[WEIR_SHARED_MEMBERS_MAX];
} __attribute__((aligned(64)));

struct weir_shared {
    struct weir__shared_header *header;
    int member;
    _Atomic int64_t refused_until_ns; /* weir__shared_try_enter() does not wait before */
    _Atomic int64_t told_ns;          /* when a line was logged that the lock is held; 0: never */

    /* Of this process: what listens to its bell. */
    pthread_mutex_t managing; /* held while a listener is added or removed */
    pthread_mutex_t calling;  /* guards listeners; held while they are called */
    struct weir__list listeners;
    pthread_t thread; /* while there are any */
    atomic_bool ends;
};

/* Takes the one lock of the memory, for moments: for what is changed seldom. A holder that died may have left
 * a change half done: what the lock guards can be told to be whole or not, and is mended by the next one.
 * A holder that is stopped holds up every process that enters, which is logged: for what happens as a program
 * begins or its configuration changes. */
void weir__shared_enter(weir_shared *shared);

/* The same for what can do without. Returns: false: it was not free in 100 ms, or would not be waited for
 * since that was so less than a second ago. */
bool weir__shared_try_enter(weir_shared *shared) WEIR_CHECKED;

void weir__shared_leave(weir_shared *shared);

/* As weir_shared_block(), under the lock. */
int weir__shared_block(weir_shared *shared, const char *name, size_t counts, size_t bytes,
                       void **out) WEIR_CHECKED;

static inline int weir__shared_members(const weir_shared *shared)
{
    return atomic_load_explicit((atomic_int *)(uintptr_t)&shared->header->members, memory_order_relaxed);
}

/* Whether a member has been rung, and has not looked since: it is about to, or is stopped. */
static inline bool weir__shared_is_ringing(const weir_shared *shared, int member)
{
    struct weir__shared_bell *bell = &shared->header->bells[member];

    return atomic_load(&bell->rung) != atomic_load(&bell->heard);
}

/* Rings all members but this one. */
void weir__shared_ring_others(weir_shared *shared);

#endif
