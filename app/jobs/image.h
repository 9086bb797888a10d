/* SPDX-License-Identifier: MIT */
/* Making an image smaller: bytes of a file in, bytes of a file out.
 *
 * Threading: any thread that is no loop's; calls are independent. The library is shared and immutable.
 *
 * The first bytes tell the format: JPEG, PNG, WebP or the first frame of a GIF, nothing else. The claims of
 * the file are checked before it is decoded, and its decoder is given only the parts that pixels are made of.
 * The orientation is applied, colours become sRGB, and everything but pixels is left out. An image that fits
 * already keeps its size.
 */
#ifndef APP_JOBS_IMAGE_H
#define APP_JOBS_IMAGE_H

#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>

#include "jobs/image_order.h"

struct vips_library;

enum { IMAGE_FILE_BYTES_MAX = 64 << 20 }; /* of the smaller image */

/* Defaults. */
enum { IMAGE_QUALITY = 80, IMAGE_PIXELS = 100000000, IMAGE_MEMORY_BYTES = 256 << 20 };

extern const char *const image_output_names[IMAGE_OUTPUTS + 1]; /* ended by NULL */

/* Adds the smaller image to out.
 * Returns: 0; -ENOTSUP another format, -EINVAL it can't be decoded, -EFBIG it is larger than it may be, each
 *          with a reason in fault; -WEIR_EBUSY other images hold the memory it would need, see
 *          image_budget.h; -WEIR_ETOOLARGE the room of out; -ENOMEM; what poll returned.
 */
WEIR_CHECKED int image_shrink(const struct vips_library *vips, weir_bytes file,
                              const struct image_order *order, weir_buffer *out,
                              char fault[IMAGE_FAULT_BYTES], image_poll *poll, void *arg);

/* The Content-Type of what image_shrink() wrote. */
const char *image_type_of(weir_bytes file);

#endif
