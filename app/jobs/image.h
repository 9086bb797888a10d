/* SPDX-License-Identifier: MIT */
/* Making an image smaller: bytes of a file in, bytes of a file out.
 *
 * Threading: any thread that is no loop; each call by itself. The library is shared and immutable.
 *
 * The format is found by its first bytes: JPEG, PNG, WebP or the first frame of a GIF, nothing else. What the
 * file claims is checked before it is decoded, and what is not pixels is kept from its decoder. Orientation
 * is applied, colours become sRGB, and all that is not pixels is left out. An image that fits already keeps
 * its size.
 */
#ifndef APP_JOBS_IMAGE_H
#define APP_JOBS_IMAGE_H

#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>

#include "jobs/image_head.h"

struct vips_library;

enum {
    IMAGE_SIDE_MAX = 4096,
    IMAGE_FILE_BYTES_MAX = 64 << 20, /* of what comes out */
    IMAGE_FAULT_BYTES = 160,
};

/* What is taken when nothing is asked for. */
enum { IMAGE_QUALITY = 80, IMAGE_PIXELS = 100000000, IMAGE_MEMORY_BYTES = 256 << 20 };

enum image_output {
    IMAGE_TO_JPEG, /* what is transparent becomes white */
    IMAGE_TO_PNG,
    IMAGE_TO_WEBP,
    IMAGE_TO_PLAIN, /* PNG when something is transparent, else JPEG */
    IMAGE_OUTPUTS
};

extern const char *const image_output_names[IMAGE_OUTPUTS + 1]; /* ended by NULL */

struct image_order {
    int width, height;  /* of the box it has to fit into; 1 … IMAGE_SIDE_MAX */
    int output;         /* enum image_output */
    int quality;        /* 1 … 100, of JPEG and WebP */
    int64_t pixels_max; /* of what comes in */
    int64_t memory_max; /* of the file and all that is held on the way; see image_claim.h */
};

/* Asked now and then, and told how many of the rows are done, of 0 as long as they are
 * not known; returns a negative code to end the work.
 */
typedef int image_poll(void *arg, int rows, int of);

/* Adds the smaller image to out.
 * Returns: 0; -ENOTSUP another format; -EINVAL it can't be decoded; -EFBIG it is larger than it may be; each
 * with words in fault. -WEIR_EBUSY other images hold the memory it would need, see image_budget.h;
 * -WEIR_ETOOLARGE the room of out; -ENOMEM; what poll returned.
 */
WEIR_CHECKED int image_shrink(const struct vips_library *vips, weir_bytes file,
                              const struct image_order *order, weir_buffer *out,
                              char fault[IMAGE_FAULT_BYTES], image_poll *poll, void *arg);

/* The Content-Type of what image_shrink() wrote. */
const char *image_type_of(weir_bytes file);

#endif
