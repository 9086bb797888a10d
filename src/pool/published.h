/* SPDX-License-Identifier: MIT */
/* Who reads published state, and who waits for readers to be gone.
 *
 * Threading: the list of those who wait is under its lock; the rest is atomic.
 */
#ifndef WEIR__POOL_PUBLISHED_H
#define WEIR__POOL_PUBLISHED_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include <weir/published.h>

#include "base/list.h"

struct weir__worker;

/* Of a runtime: those who have published and wait for the readers of what was there before. */
struct weir__publishers {
    _Atomic(uint64_t) epoch; /* grows with each version that is published, whatever of */
    atomic_int count;
    pthread_mutex_t lock;
    struct weir__list waiting;
};

void weir__publishers_init(struct weir__publishers *publishers);
void weir__publishers_free(struct weir__publishers *publishers);

/* The function of a job has returned, which may have read something. */
void weir__published_job_over(struct weir__worker *worker);

#endif
