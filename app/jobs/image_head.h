/* SPDX-License-Identifier: MIT */
/* What an image file claims, before any decoder sees it, and which parts of it a decoder needs.
 *
 * Threading: pure functions.
 *
 * The whole file is walked by the rules of its format, as the decoders walk it. What they would keep, unpack
 * or read though no pixel comes of it — texts, EXIF, XMP, comments, further frames — is no part of what they
 * are given. A profile of colours is, within bounds.
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
    uint32_t width, height;  /* of the whole, or of the first frame when that is larger; > 0 */
    int bands, sample_bytes; /* of what a decoder gives: 1 … 4, 1 or 2 */
    uint64_t held_bytes;     /* what its decoder holds of the whole picture, beside rows of it */
    bool unscaled;           /* of a WebP: its decoder can't make it smaller itself */
    bool cut_off;            /* its end is not there; of a GIF, that of its first frame */
    int orientation;         /* EXIF's: 1 … 8 */
    uint64_t profile_bytes;  /* 0: there is none that is used */
    const char *why;         /* in words, after -EFBIG */

    size_t parts; /* in their order */
    struct image_part part[IMAGE_PARTS_MAX];
    unsigned char made[IMAGE_MADE_BYTES]; /* parts that the file has in another form */
};

/* Reads the claims of a whole file. without_profile: its colours are taken as they are.
 * Owns:    the parts point into the file, and into *head: it is not copied.
 * Returns: 0; -ENOTSUP it is none of these formats, or a kind of JPEG that nobody uses; -EINVAL it is, but
 * it is damaged or cut off; -EFBIG no decoder shall see it, with head->why.
 */
WEIR_CHECKED int image_head_read(struct image_head *head, weir_bytes file, bool without_profile);

/* The format by the first bytes alone; IMAGE_FORMATS: none of these. */
enum image_format image_format_of(weir_bytes file);

#endif
