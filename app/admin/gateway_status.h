/* SPDX-License-Identifier: MIT */
/* What the gateway tells its admin side.
 *
 * Threading: the gateway's loops write, the admin's loop reads, in the ways said below.
 */
#ifndef APP_ADMIN_GATEWAY_STATUS_H
#define APP_ADMIN_GATEWAY_STATUS_H

#include <pthread.h>
#include <stdatomic.h>

#include <weir/runtime.h>
#include <weir/sync.h>

struct gather_counts;
struct metrics;
struct observed;

struct gateway_status {
    atomic_bool ready;             /* accepts requests, and will go on to */
    atomic_bool draining;          /* accepts no more, and finishes what is under way */
    struct metrics *metrics;       /* what the loops count; NULL: there is no admin */
    struct gather_counts *gathers; /* as metrics */
    struct observed *observed;     /* what the admin's own loop has seen of it */
    weir_semaphore looks;          /* at its tasks: the admin's loop alone */
    pthread_rwlock_t runtime_lock; /* guards the rest */
    weir_runtime *runtime;
};

void gateway_status_init(struct gateway_status *status);
void gateway_status_end(struct gateway_status *status);

/* A loop of the gateway is set up, and will be torn down. */
void gateway_status_runs(struct gateway_status *status, weir_runtime *runtime);

/* The first loop is being torn down: waits until nobody looks at the runtime any more. */
void gateway_status_stops(struct gateway_status *status);

/* The gateway's runtime, which keeps running until gateway_status_release(): so what is done in between is
 * short and waits for nothing.
 * Where:   any thread, several at a time; whoever holds releases.
 * Returns: NULL when it does not run; then there is nothing to release.
 */
weir_runtime *gateway_status_hold(struct gateway_status *status);
void gateway_status_release(struct gateway_status *status);

#endif
