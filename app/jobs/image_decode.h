/* SPDX-License-Identifier: MIT */
/* Decoding an image with libvips into the pixels of the smaller one.
 *
 * Threading: one thread for each image, which is no loop's.
 */
#ifndef APP_JOBS_IMAGE_DECODE_H
#define APP_JOBS_IMAGE_DECODE_H

#include <weir/buffer.h>

#include "jobs/image_head.h"
#include "jobs/image_order.h"
#include "jobs/image_source.h"
#include "jobs/image_turn.h"

/* An image that is being worked on. */
struct image_work {
    const struct vips_library *vips;
    const struct image_order *order;
    char *fault;
    image_poll *poll;
    void *poll_arg;
    weir_bytes file;
    struct image_head head;
    struct image_source source;
    uint64_t claim;
    int rows, of; /* rows of the small image that are done, and all of them */
};

/* Decodes the image of work->head, as small as the order wants it; not turned yet.
 * Owns:    pixels->data is the caller's to free, also after a failure.
 * Returns: 0; -EINVAL with work->fault; -ENOMEM; what poll returned.
 */
WEIR_CHECKED int image_decode(struct image_work *work, struct image_pixels *pixels);

/* The error of a failure of libvips: what poll returned when it was stopped, else -EINVAL with work->fault.
 * The words of libvips are not used: they lie in one place for all threads, and could be another image's.
 */
WEIR_CHECKED int image_undecodable(const struct image_work *work);

#endif
