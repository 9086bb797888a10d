/* SPDX-License-Identifier: MIT */
/* Encoding pixels as a file, with libvips.
 *
 * Threading: any thread that is no loop's.
 */
#ifndef APP_JOBS_IMAGE_ENCODE_H
#define APP_JOBS_IMAGE_ENCODE_H

#include <weir/buffer.h>
#include <weir/error.h>

#include "jobs/image_order.h"
#include "jobs/image_turn.h"
#include "jobs/vips_library.h"

/* Removes the channel of transparency when every pixel is opaque. */
void image_drop_opaque(struct image_pixels *pixels);

/* Adds the file to out.
 * Returns: 0; -ENOMEM; -WEIR_ETOOLARGE the room of out.
 */
WEIR_CHECKED int image_encode(const struct vips_library *vips, const struct image_order *order,
                              const struct image_pixels *pixels, weir_buffer *out);

#endif
