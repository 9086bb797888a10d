/* SPDX-License-Identifier: MIT */
/* The parts of an image file as libvips reads them, who asks before each of its reads whether it is still
 * wanted: the one place where a decoder that is at work can be stopped.
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
    size_t index, offset; /* of `at`: the part, and the place in it */
    int (*poll)(void *arg);
    void *poll_arg;
    int stopped; /* what poll returned when it was not 0 */
};

/* Makes a source for libvips of the parts of a head.
 * Owns:    source and head are lent while the result is used; the caller gives it back with
 * g_object_unref(). poll: returns a negative code to stop.
 * Returns: NULL: no memory.
 */
VipsSource *image_source_open(struct image_source *source, const struct vips_library *vips,
                              const struct image_head *head, int (*poll)(void *arg), void *poll_arg);

#endif
