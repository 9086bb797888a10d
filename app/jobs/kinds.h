/* SPDX-License-Identifier: MIT */
/* The program's kinds of jobs. Each is a file of its own, which begins with its parameters, in JSON.
 *
 * Threading: immutable; registered by the tasks that set loops up.
 */
#ifndef APP_JOBS_KINDS_H
#define APP_JOBS_KINDS_H

#include <errno.h>

#include <weir/job.h>

/* The codes of failed jobs, each with a reason, beside -ENOMEM and those of a cancel. */
enum job_failure {
    JOB_PARAMS = EINVAL,      /* the parameters are invalid */
    JOB_FOREIGN = ENOTSUP,    /* the input has a format that is not taken */
    JOB_DAMAGED = EBADMSG,    /* the input can't be understood */
    JOB_EXCESSIVE = EFBIG,    /* the input, or what it would become, is more than is allowed */
    JOB_INCOMPLETE = ENODATA, /* the input lacks something that is needed */
};

extern const weir_job_kind job_hash, job_compress, job_decode, job_json, job_thumbnail;

#endif
