/* SPDX-License-Identifier: MIT */
/* A process that a task stands for. Threading: the loop's thread. */
#ifndef WEIR__PROCESS_SIMULATED_H
#define WEIR__PROCESS_SIMULATED_H

#include <weir/process.h>

struct weir__scope;

/* Starts a process. Returns: as weir_process_start(). */
int weir__process_simulate(struct weir__scope *scope, const weir_process_options *options,
                           const void *opened_at, weir_process **out) WEIR_CHECKED;

#endif
