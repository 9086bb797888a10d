/* SPDX-License-Identifier: MIT */
/* The claims of an image file, known before any decoder sees it, and the parts of it that a decoder needs.
 *
 * Threading: a head is not shared.
 *
 * image_format.h walks the whole file by the rules of its format, as the decoders do. Decoders are not given
 * what they would keep, unpack or read without making a pixel of it: texts, EXIF, XMP, comments, further
 * frames. They are given a profile of colours, within bounds.
 */
#ifndef APP_JOBS_IMAGE_HEAD_H
#define APP_JOBS_IMAGE_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum image_format { IMAGE_JPEG, IMAGE_PNG, IMAGE_WEBP, IMAGE_GIF, IMAGE_FORMATS };

enum {
    IMAGE_SIDE_IN_MAX = 65500,         /* what a JPEG can have */
    IMAGE_SCANS_MAX = 100,             /* of a JPEG; encoders make about ten */
    IMAGE_PROFILE_BYTES_MAX = 4 << 20, /* of colours, unpacked; a larger one is left out */
    IMAGE_PARTS_MAX = 512,
    IMAGE_MADE_BYTES = 64,
};

/* Bytes that a decoder sees. */
struct image_part {
    const unsigned char *at;
    size_t bytes;
};

struct image_head {
    enum image_format format;
    uint32_t width, height;  /* of the image, or of the first frame when that is larger; > 0 */
    int bands, sample_bytes; /* of the decoded pixels: 1 … 4, 1 or 2 */
    uint64_t held_bytes;     /* what its decoder holds of the whole picture, beside rows of it */
    bool unscaled;           /* WebP: its decoder can't make it smaller itself */
    bool cut_off;            /* its end is missing; GIF: the end of its first frame */
    int orientation;         /* EXIF's: 1 … 8 */
    uint64_t profile_bytes;  /* 0: no profile is used */
    const char *why;         /* after -EFBIG: the reason */

    size_t parts; /* of the file, in their order */
    struct image_part part[IMAGE_PARTS_MAX];
    unsigned char made[IMAGE_MADE_BYTES]; /* parts that the file has in another form */
};

#endif
