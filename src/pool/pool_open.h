/* SPDX-License-Identifier: MIT */
/* Opening and closing pools. Threading: the first loop's thread, while no task runs. */
#ifndef WEIR__POOL_POOL_OPEN_H
#define WEIR__POOL_POOL_OPEN_H

struct weir_runtime;

/* Opens the pools of a runtime whose options are set. */
int weir__pools_open(struct weir_runtime *runtime) __attribute__((warn_unused_result));
/* Closes the pools; no task of the runtime is left. */
void weir__pools_close(struct weir_runtime *runtime);

#endif
