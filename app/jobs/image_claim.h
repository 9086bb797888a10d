/* SPDX-License-Identifier: MIT */
/* How much memory making an image smaller will take, before it is begun.
 *
 * Threading: pure functions.
 */
#ifndef APP_JOBS_IMAGE_CLAIM_H
#define APP_JOBS_IMAGE_CLAIM_H

#include <stdint.h>

#include "jobs/image_head.h"
#include "jobs/image_order.h"

/* All that is held at a time, at its most: the file, what its decoder holds, rows between the steps, what
 * comes out. Beside it there are some 2 MiB for each image, whatever its size. Follows what libvips 8.14 does
 * with one thread; tests/app/jobs/image_memory_test.c measures whether it still does. */
uint64_t image_claim(const struct image_head *head, const struct image_order *order, uint64_t file_bytes);

#endif
