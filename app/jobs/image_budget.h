/* SPDX-License-Identifier: MIT */
/* What all images that are worked on may hold together. libvips is one for the whole process and ends it when
 * it gets no memory for something small, so the large claims have to leave room.
 *
 * Threading: any thread. One for the process, as libvips is.
 */
#ifndef APP_JOBS_IMAGE_BUDGET_H
#define APP_JOBS_IMAGE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/* Before the loops; 0: no limit, as it is before the first call. */
void image_budget_set(uint64_t bytes);

/* Returns: 0; -WEIR_EBUSY others hold too much of it now; -EFBIG it is more than all of it. */
int image_budget_take(uint64_t bytes) __attribute__((warn_unused_result));
void image_budget_give(uint64_t bytes);

uint64_t image_budget(void);

#endif
