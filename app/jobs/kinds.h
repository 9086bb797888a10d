/* SPDX-License-Identifier: MIT */
/* The program's kinds of job. Each is a file of its own, and says there what its parameters are: JSON, all of
 * them.
 *
 * Threading: immutable; registered by the tasks that set loops up.
 *
 * The codes they fail with, beside those of memory and of whoever has left, are these; each has words with
 * it.
 */
#ifndef APP_JOBS_KINDS_H
#define APP_JOBS_KINDS_H

#include <errno.h>

#include <weir/job.h>

enum job_failure {
    JOB_PARAMS = EINVAL,      /* the parameters are no good */
    JOB_FOREIGN = ENOTSUP,    /* the input is of a kind that is not taken */
    JOB_DAMAGED = EBADMSG,    /* the input can't be understood */
    JOB_EXCESSIVE = EFBIG,    /* the input, or what it would become, is more than is allowed */
    JOB_INCOMPLETE = ENODATA, /* the input lacks something that is needed */
};

extern const weir_job_kind job_hash, job_compress, job_decode, job_json, job_thumbnail;

#endif
