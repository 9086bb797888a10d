/* SPDX-License-Identifier: MIT */
/* What the first bytes of an image claim, before any decoder sees it: format, size, and what decoding it will
 * take.
 *
 * Threading: pure functions.
 */
#ifndef APP_JOBS_IMAGE_HEAD_H
#define APP_JOBS_IMAGE_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>

enum image_format { IMAGE_JPEG, IMAGE_PNG, IMAGE_WEBP, IMAGE_GIF, IMAGE_FORMATS };

extern const char *const image_types[IMAGE_FORMATS]; /* as in Content-Type */

struct image_head {
    enum image_format format;
    uint32_t width, height; /* of the whole, or of the first frame when that is larger; > 0 */
    uint64_t memory_bytes;  /* that decoding holds at least, beside some rows */
    bool cut_off;           /* its end is not there; of a GIF, that of its first frame */
};

/* Reads the claims of a whole file.
 * Returns: 0; -ENOTSUP it is none of these formats, or a kind of JPEG that nobody uses; -EINVAL it is, but
 * its head is damaged or cut off.
 */
WEIR_CHECKED int image_head_read(struct image_head *head, weir_bytes file);

#endif
