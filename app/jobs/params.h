/* SPDX-License-Identifier: MIT */
/* The parameters of a job, read from JSON.
 *
 * Threading: any thread; each by itself.
 */
#ifndef APP_JOBS_PARAMS_H
#define APP_JOBS_PARAMS_H

#include <jansson.h>

#include <weir/job.h>

/* Owns:    the caller gives the tree back with json_decref().
 * Returns: NULL when they are no object; the job has its words then, and fails with -JOB_PARAMS.
 */
json_t *params_read(weir_job *job, weir_bytes params);

/* A member that is a whole number from min to max; fallback when it is not there.
 * Returns: false when it is something else; the job has its words then.
 */
bool params_int(weir_job *job, const json_t *params, const char *name, int64_t fallback, int64_t min,
                int64_t max, int64_t *out);

/* A member that is one of some texts; names ends with NULL. *out is its index; fallback, when it is not
 * there, is one, or -1: it must be.
 * Returns: as params_int().
 */
bool params_choice(weir_job *job, const json_t *params, const char *name, int fallback,
                   const char *const *names, int *out);

#endif
