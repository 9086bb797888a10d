/* SPDX-License-Identifier: MIT */
/* Handing jobs to workers and back.
 *
 * Threading: any thread, without the lock of the pool unless it says "locked".
 */
#ifndef WEIR__POOL_HANDOVER_H
#define WEIR__POOL_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "pool/pool.h"

/* Posts a note and sees to it that it is read: by the caller, or by the holder of the lock. Does not wait. */
void weir__pool_post(struct weir_pool *pool, struct weir__note *note);
/* Locked: reads the notes, gives jobs to workers, unlocks, and wakes all that are concerned. */
void weir__pool_leave(struct weir_pool *pool);
/* Ends a worker's run of a job, or of its part of one; the worker is idle then. */
void weir__pool_finish(struct weir__worker *worker, weir_job *job, int result, int64_t ran_ns);
/* Begins the work of a worker's thread, with or without a job. */
void weir__pool_ready(struct weir__worker *worker);
/* Ends an idle worker's thread. Returns: false: it was given a job meanwhile. */
bool weir__pool_retire(struct weir__worker *worker) __attribute__((warn_unused_result));
/* Locked: refuses all jobs that are queued. */
void weir__pool_empty(struct weir_pool *pool, int result, enum weir_pool_refusal why);
void weir__note_submit(struct weir_pool *pool, struct weir__note *note);
void weir__note_leave(struct weir_pool *pool, struct weir__note *note);

#endif
