/* SPDX-License-Identifier: MIT */
/* The caller's side of a job. Threading: the task or job that calls. */
#ifndef WEIR__POOL_OFFLOAD_H
#define WEIR__POOL_OFFLOAD_H

#include "pool/job.h"

/* Offloads a job filled in by its caller: fn, arg, name, pool. */
int weir__offload(weir_job *job, const weir_offload_options *options);

#endif
