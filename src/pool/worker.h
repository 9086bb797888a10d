/* SPDX-License-Identifier: MIT */
/* The threads of a pool. Threading: any, without the lock of the pool. */
#ifndef WEIR__POOL_WORKER_H
#define WEIR__POOL_WORKER_H

struct weir_pool;
struct weir__worker;

/* How long both sides wait awake for each other before they sleep, when they are on different cores: a job
 * and its way there and back, if it is short. */
enum { WEIR__SPIN_NS = 10000 };

int weir__worker_start(struct weir__worker *worker) __attribute__((warn_unused_result));
void weir__worker_wake(struct weir__worker *worker);
/* Ends all threads of a pool that is no longer called. */
void weir__workers_end(struct weir_pool *pool);
/* Waits for their end. */
void weir__workers_join(struct weir_pool *pool);

#endif
