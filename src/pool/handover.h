/* SPDX-License-Identifier: MIT */
/* Handing jobs to workers and back.
 *
 * Threading: any, without the lock of the pool unless it says "locked".
 */
#ifndef WEIR__POOL_HANDOVER_H
#define WEIR__POOL_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "pool/pool.h"

/* Leaves a note and sees to it that it is read: by the caller, or by who holds the lock. Does not wait. */
void weir__pool_post(struct weir_pool *pool, struct weir__note *note);
/* Reads the notes, gives out what there is, unlocks, and tells all whom it concerns. */
void weir__pool_leave(struct weir_pool *pool);
/* A worker has run a job, or its part of one, and looks for the next. */
void weir__pool_finish(struct weir__worker *worker, weir_job *job, int result, int64_t ran_ns);
/* A thread has begun, with or without a job. */
void weir__pool_ready(struct weir__worker *worker);
/* An idle worker asks to end. False: it was given something meanwhile. */
bool weir__pool_retire(struct weir__worker *worker) __attribute__((warn_unused_result));
/* Locked: all that is queued is refused. */
void weir__pool_empty(struct weir_pool *pool, int result, enum weir_pool_refusal why);
void weir__note_submit(struct weir_pool *pool, struct weir__note *note);
void weir__note_leave(struct weir_pool *pool, struct weir__note *note);

#endif
