/* SPDX-License-Identifier: MIT */
/* The memory that making an image smaller will take, computed before the work begins.
 *
 * Threading: pure functions.
 */
#ifndef APP_JOBS_IMAGE_CLAIM_H
#define APP_JOBS_IMAGE_CLAIM_H

#include <stdint.h>

#include "jobs/image_head.h"
#include "jobs/image_order.h"

/* The most that is held at a time: the file, its decoder's memory, rows between the steps, the output. Beside
 * it each image takes some 2 MiB, whatever its size. This models libvips 8.14 with one thread;
 * tests/app/jobs/image_memory_test.c measures whether the model still holds. */
uint64_t image_claim(const struct image_head *head, const struct image_order *order, uint64_t file_bytes);

#endif
