/* SPDX-License-Identifier: MIT */
/* Published state: readers, and publishers that wait for readers to leave.
 *
 * Threading: the list of waiting publishers is under its lock; the rest is atomic.
 */
#ifndef WEIR__POOL_PUBLISHED_H
#define WEIR__POOL_PUBLISHED_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include <weir/published.h>

#include "base/list.h"

struct weir__worker;

/* The publishers of a runtime that wait for the readers of the version before. */
struct weir__publishers {
    _Atomic(uint64_t) epoch; /* grows with each version that is published, of anything */
    atomic_int count;
    pthread_mutex_t lock;
    struct weir__list waiting;
};

void weir__publishers_init(struct weir__publishers *publishers);
void weir__publishers_free(struct weir__publishers *publishers);

/* The function of a job has returned: the job reads nothing any more. */
void weir__published_job_over(struct weir__worker *worker);

#endif
