/* SPDX-License-Identifier: MIT */
/* Admission to a pool: its places, and the expected wait.
 *
 * Threading: any; counters are atomic.
 */
#ifndef WEIR__POOL_ADMISSION_H
#define WEIR__POOL_ADMISSION_H

#include <stdint.h>

#include "pool/job.h"

struct weir_pool;

/* Takes a place for a job that a task asks for, or refuses it. *expected_ns: the expected wait.
 * Returns: 0; -WEIR_EBUSY, -WEIR_ELATE, and *why. */
int weir__pool_admit(struct weir_pool *pool, const weir_job *job, enum weir_when_full when_full,
                     int64_t *expected_ns, enum weir_pool_refusal *why);
/* Takes a place in any case. */
void weir__pool_admit_always(struct weir_pool *pool, int share);
void weir__pool_give_place(struct weir_pool *pool, int share);
/* Returns: how long a job of that share that came now would wait. */
int64_t weir__pool_expected_ns(struct weir_pool *pool, int share, int64_t now_ns);

#endif
