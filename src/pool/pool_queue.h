/* SPDX-License-Identifier: MIT */
/* The jobs of a pool that wait for a worker, and their order.
 *
 * Threading: the holder of pool->lock.
 */
#ifndef WEIR__POOL_POOL_QUEUE_H
#define WEIR__POOL_POOL_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "pool/job.h"

struct weir_pool;

void weir__queue_add(struct weir_pool *pool, weir_job *job);
void weir__queue_remove(struct weir_pool *pool, weir_job *job);
/* Returns: the next to run; NULL: no job waits. Jobs that come too late are put to pool->ended. A job of weir_offload_each()
 * stays in the queue while more workers are of use to it. */
weir_job *weir__queue_next(struct weir_pool *pool, int64_t now_ns);
/* Charges a share for a job that is over, or a worker's part of one. */
void weir__queue_charge(struct weir_pool *pool, int share, int64_t ran_ns);
bool weir__queue_is_empty(const struct weir_pool *pool);
/* Takes a job that is still queued. Returns: false: its caller has left. */
bool weir__job_take(weir_job *job);

/* Ends a job that was TAKEN without having run it. */
void weir__queue_end_unrun(struct weir_pool *pool, weir_job *job, int result, enum weir_job_fate fate);

#endif
