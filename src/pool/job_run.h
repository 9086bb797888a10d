/* SPDX-License-Identifier: MIT */
/* Running jobs of a kind: their parameters in, their output and fault out.
 *
 * Threading: the task or job that calls, but for weir__job_begin(), which is called by the job.
 */
#ifndef WEIR__POOL_JOB_RUN_H
#define WEIR__POOL_JOB_RUN_H

#include <weir/job.h>
#include <weir/pool.h>

/* Where the output of a job of a kind goes. Lies on the caller's stack. */
struct weir__output {
    weir_buffer *out;
    weir_job_fault *fault; /* or NULL */
};

/* Begins the state of a job of this kind. Returns: 0; what the kind's begin() returned. */
int weir__job_begin(weir_job *job, const weir_job_kind *kind, void *state, weir_bytes params);

/* Offloads fn; what it had written is taken back if it fails. Returns: as weir_offload_with(). */
int weir__job_offload(weir_pool *pool, const char *name, int (*fn)(weir_job *job, void *arg), void *arg,
                      struct weir__output *output, const weir_offload_options *options);

#endif
