/* SPDX-License-Identifier: MIT */
/* What the loops of one weir_run() share.
 *
 * Threading: immutable once the loops run, but for what is atomic or has a lock.
 */
#ifndef WEIR__RUNTIME_H
#define WEIR__RUNTIME_H

#include <stdatomic.h>
#include <stddef.h>

#include <weir/runtime.h>

#include "base/log.h"
#include "base/sentences.h"
#include "core/loop.h"
#include "core/registry.h"

struct weir__posts;
struct weir__scope;
struct weir__task;
struct weir__threads;

/* Of the layers above. */
struct weir__guard_reporter;
struct weir__job_kinds;
struct weir__names;
struct weir__pools;
struct weir__publishers;
struct weir__starter;
struct weir__stalls;
struct weir__symbols;
struct weir__tls_runtime;
struct weir__watch;

struct weir_runtime {
    weir_options options; /* defaults filled in */
    struct weir__logger logger;
    int loop_count;
    struct weir__loop *loops;
    struct weir__scope *roots;      /* one for each loop */
    struct weir__posts *posts;      /* what other threads start */
    struct weir__threads *threads;  /* loops and workers */
    _Atomic size_t buffered_bytes;  /* the sum of the loops' accounts of it */
    struct weir__registry registry; /* what other threads read, for milliseconds: loops only add and remove */
    struct weir__registry shared;   /* what loops find and share, for moments */
    struct weir__sentences sentences; /* about failures: texts that live until weir_run() returns */

    /* Each belongs to a layer above, which alone knows its content; run/run.c makes them. */
    struct weir__symbols *symbols;
    struct weir__guard_reporter *guard_reporter;
    struct weir__names *names;
    struct weir__pools *pools;
    struct weir__job_kinds *kinds;
    struct weir__publishers *publishers;
    struct weir__starter *starter;
    struct weir__stalls *stalls;
    struct weir__tls_runtime *tls;
    struct weir__watch *watch; /* NULL: stalls are not watched for */

    /* Set by the guard; called on a cold path, as a task that holds locks of its thread begins to wait or
     * ends. */
    void (*on_locks_held)(struct weir__task *task, const char *waits_for);

    /* Names the place of an address of code in out, "main.c:40 (main)"; "" if it has no name. May take
     * seconds. */
    void (*name_place)(struct weir_runtime *runtime, const void *address, char *out, size_t room);
};

#endif
