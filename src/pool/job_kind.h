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

/* As weir_job_kind_find(), in the name of another public function. */
const weir_job_kind *weir__job_kind_find(const char *name, const char *function);

#endif
