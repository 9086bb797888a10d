/* SPDX-License-Identifier: MIT */
/* A source from which libvips reads the parts of an image file. Before each read it calls poll: there is no
 * other place where a running decoder can be stopped.
 *
 * Threading: one thread.
 */
#ifndef APP_JOBS_IMAGE_SOURCE_H
#define APP_JOBS_IMAGE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#include "jobs/image_head.h"
#include "jobs/vips_library.h"

struct image_source {
    const struct image_part *part;
    size_t parts;
    int64_t length, at;
    size_t index, offset; /* of `at`: the part, and the offset in it */
    int (*poll)(void *arg);
    void *poll_arg;
    int stopped; /* what poll returned when it was not 0 */
};

/* Makes a source of the parts of a head. poll: a negative code stops the decoder.
 * Owns:    source and head are lent while the result is used; the caller frees it with g_object_unref().
 * Returns: NULL when there is no memory.
 */
VipsSource *image_source_open(struct image_source *source, const struct vips_library *vips,
                              const struct image_head *head, int (*poll)(void *arg), void *poll_arg);

#endif
