/* SPDX-License-Identifier: MIT */
/* The kinds of job that are registered with a runtime. Threading: any; a place is written once. */
#ifndef WEIR__POOL_JOB_KIND_H
#define WEIR__POOL_JOB_KIND_H

#include <stdatomic.h>

#include <weir/job.h>

enum { WEIR__JOB_KINDS_MAX = 128 };

struct weir__job_kinds {
    _Atomic(const weir_job_kind *) kind[WEIR__JOB_KINDS_MAX];
};

#endif
