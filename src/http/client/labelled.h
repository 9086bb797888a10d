/* SPDX-License-Identifier: MIT */
/* Blocks of shared memory that say what they are for: "backend 0", "backend 1", …, each for whatever name and
 * options a living process has open. Other options are another use, so that the processes before and after a
 * change of configuration do not mix.
 *
 * Threading: any thread of any process.
 */
#ifndef WEIR__CLIENT_LABELLED_H
#define WEIR__CLIENT_LABELLED_H

#include <weir/error.h>
#include <weir/shared.h>

#include <stdatomic.h>

enum { WEIR__LABEL_NAME_BYTES = 64 };

/* A part of the block, under the lock of the memory. */
struct weir__label {
    char name[WEIR__LABEL_NAME_BYTES];
    uint64_t digest;          /* of name and options; 0: it is for nothing yet */
    uint64_t serial;          /* no other use of a block has had it */
    _Atomic int64_t alive_ns; /* when a process that has it open last said so */
};

/* A block begins with its counts, of which the first is that of the processes that use it. */
struct weir__labelled_type {
    const char *name;
    size_t counts, bytes, label_at;
    void (*begin)(void *block);             /* it is zero but for its label; may be NULL */
    void (*join)(void *block, int process); /* a process begins to use it; may be NULL */
};

/* Finds the block of this name and digest, or makes one, for this process to use: one that no living process
 * uses, perhaps a new one. What a block knows outlives its processes for a minute. After a failure there is
 * none. Returns: 0; -ENOSPC. */
int weir__labelled_join(weir_shared *memory, const struct weir__labelled_type *type, const char *name,
                        uint64_t digest, int64_t now_ns, void **out) WEIR_CHECKED;

/* The process uses it no longer, and has nothing of it. */
void weir__labelled_leave(weir_shared *memory, void *block);

#endif
