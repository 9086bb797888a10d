/* SPDX-License-Identifier: MIT */
/* The parameters of a job, read from JSON.
 *
 * Threading: any thread; calls are independent.
 */
#ifndef APP_JOBS_PARAMS_H
#define APP_JOBS_PARAMS_H

#include <jansson.h>

#include <weir/job.h>

/* Reads the parameters.
 * Owns:    the caller frees the tree with json_decref().
 * Returns: NULL when they are no object; the job has its reason then, and is to fail with -JOB_PARAMS.
 */
json_t *params_read(weir_job *job, weir_bytes params);

/* Reads a member that is a whole number from min to max; fallback when there is none.
 * Returns: false when it is something else; the job has its reason then.
 */
bool params_int(weir_job *job, const json_t *params, const char *name, int64_t fallback, int64_t min,
                int64_t max, int64_t *out);

/* Reads a member that is one of the names, which end with NULL. *out is its index, or fallback when there is
 * no such member. fallback -1: there must be one.
 * Returns: as params_int().
 */
bool params_choice(weir_job *job, const json_t *params, const char *name, int fallback,
                   const char *const *names, int *out);

#endif
