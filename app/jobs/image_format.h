/* SPDX-License-Identifier: MIT */
/* The formats of images that are taken: recognized by their first bytes, and read by their own rules.
 *
 * Threading: pure functions.
 */
#ifndef APP_JOBS_IMAGE_FORMAT_H
#define APP_JOBS_IMAGE_FORMAT_H

#include <stdbool.h>

#include <weir/buffer.h>
#include <weir/error.h>

#include "jobs/image_head.h"

extern const char *const image_types[IMAGE_FORMATS]; /* as in Content-Type */

/* The format by the first bytes alone; IMAGE_FORMATS: none of these. */
enum image_format image_format_of(weir_bytes file);

/* Reads the claims of a whole file. without_profile: its profile of colours is left out.
 * Owns:    the parts point into the file, and into *head: it is not copied.
 * Returns: 0; -ENOTSUP it has none of these formats, or is a type of JPEG that is not in use; -EINVAL it is
 *          damaged or cut off; -EFBIG it is too much for a decoder, with head->why.
 */
WEIR_CHECKED int image_head_read(struct image_head *head, weir_bytes file, bool without_profile);

#endif
