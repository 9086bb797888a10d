/* SPDX-License-Identifier: MIT */
/* What the loops of one weir_run() share. Threading: immutable once the loops run, but for what is atomic. */
#ifndef WEIR__RUNTIME_H
#define WEIR__RUNTIME_H

#include <weir/runtime.h>

#include "base/log.h"
#include "core/loop.h"
#include "core/scope.h"
#include "core/thread.h"

/* What comes and goes while the loops run and other threads may look at. Whoever looks, adds or takes out
 * holds the lock; loops take it seldom, because who looks may take milliseconds. */
struct weir__registry {
    pthread_mutex_t lock;
    struct weir__list servers, clients;
    struct weir__list on_held;    /* of struct weir__on_held */
    pthread_mutex_t origins_lock; /* held for moments only, as an origin comes or goes */
    struct weir__list origins;
};

/* Who wants to know of a loop that is held: told by the watch, again and again while it is. */
struct weir__on_held {
    struct weir__list node;
    void (*tell)(struct weir__on_held *hook, int loop); /* on the watch's thread, under the lock */
};

struct weir__symbols;
struct weir__pools;
struct weir__job_kinds;
struct weir__publishers;
struct weir__guard_reporter;
struct weir__stalls;
struct weir__watch;

/* Of what stands above the core it knows the names alone; run/run.c has all of it. */
struct weir_runtime {
    weir_options options;
    struct weir__logger logger;
    int loop_count;
    struct weir__loop *loops;
    struct weir__scope *roots; /* one for each loop */
    struct weir__registry registry;
    _Atomic size_t replies_bytes;  /* what the answers of backends hold, on all loops */
    struct weir__symbols *symbols; /* for who looks from outside */
    struct weir__pools *pools;
    struct weir__job_kinds *kinds;
    struct weir__publishers *publishers;
    struct weir__threads threads;
    struct weir__guard_reporter *guard_reporter;
    struct weir__stalls *stalls;
    void (*holds_locks)(struct weir__task *task, const char *waits_for); /* the guard's: on a cold path */
    struct weir__watch *watch;                                           /* NULL: there is none */
};

enum { WEIR__STALL_AFTER_DEFAULT_NS = 10000000 };

/* Whether the loop has been in one slice for as long as a stall takes: what is given to it has to wait. Any
 * thread. */
bool weir__loop_is_held(const struct weir__loop *loop);

void weir__on_held_add(struct weir_runtime *r, struct weir__on_held *hook);
void weir__on_held_remove(struct weir_runtime *r, struct weir__on_held *hook);
void weir__on_held_tell(struct weir_runtime *r, int loop);

/* The signals that have come in since the loop last looked; called by the loop on every turn. */
void weir__signals_deliver(struct weir__loop *loop);

/* Before a fault or abort() ends the program the log is written, and a task named that ran into the guard of
 * its stack. */
void weir__faults_watch(void);

#endif
