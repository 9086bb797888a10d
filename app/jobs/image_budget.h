/* SPDX-License-Identifier: MIT */
/* The memory that all images may hold together. libvips ends the process when a small allocation fails, so
 * the large ones have to leave room.
 *
 * Threading: any thread. The budget is the process's, as libvips is.
 */
#ifndef APP_JOBS_IMAGE_BUDGET_H
#define APP_JOBS_IMAGE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/* Sets the budget, before the loops start. 0: no limit, which is the default. */
void image_budget_set(uint64_t bytes);

/* Takes a part of the budget, until image_budget_give().
 * Returns: 0; -WEIR_EBUSY other images hold too much of it now; -EFBIG it is more than the whole budget. */
int image_budget_take(uint64_t bytes) __attribute__((warn_unused_result));
void image_budget_give(uint64_t bytes);

uint64_t image_budget(void);

#endif
