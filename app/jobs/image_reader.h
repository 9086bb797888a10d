/* SPDX-License-Identifier: MIT */
/* A reader of the bytes of an image file, and the list of the parts that a decoder shall see.
 *
 * Threading: not shared.
 */
#ifndef APP_JOBS_IMAGE_READER_H
#define APP_JOBS_IMAGE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "jobs/image_head.h"

/* Bytes beyond the end are read as 0. */
struct image_reader {
    const unsigned char *at, *end;
    bool short_; /* a byte beyond the end was read */
};

static inline size_t image_left(const struct image_reader *r)
{
    return (size_t)(r->end - r->at);
}

static inline void image_skip(struct image_reader *r, size_t n)
{
    size_t left = image_left(r);

    r->short_ = r->short_ || n > left;
    r->at += n < left ? n : left;
}

static inline uint32_t image_take(struct image_reader *r, int bytes, bool little_endian)
{
    uint32_t value = 0;

    if (r->end - r->at < bytes) {
        image_skip(r, (size_t)bytes);
        return 0;
    }
    for (int i = 0; i < bytes; i++)
        value |= (uint32_t)r->at[i] << 8 * (little_endian ? i : bytes - 1 - i);
    r->at += bytes;
    return value;
}

static inline uint32_t image_big(struct image_reader *r, int bytes)
{
    return image_take(r, bytes, false);
}

static inline uint32_t image_little(struct image_reader *r, int bytes)
{
    return image_take(r, bytes, true);
}

/* Takes n bytes, or all that are left, as a reader of their own. */
static inline struct image_reader image_within(struct image_reader *r, size_t n)
{
    const unsigned char *at = r->at;

    image_skip(r, n);
    return (struct image_reader){.at = at, .end = r->at};
}

static inline bool image_begins(const struct image_reader *r, size_t at, const void *magic, size_t length)
{
    return image_left(r) >= at + length && memcmp(r->at + at, magic, length) == 0;
}

/* Adds bytes to the parts that a decoder sees. fresh: as a new part, also when they follow the last part.
 * Returns: false when that would be a part too many. */
static inline bool image_keep(struct image_head *head, const unsigned char *at, size_t bytes, bool fresh)
{
    struct image_part *last = head->parts > 0 ? &head->part[head->parts - 1] : NULL;

    if (last != NULL && !fresh && last->at + last->bytes == at) {
        last->bytes += bytes;
        return true;
    }
    if (head->parts == IMAGE_PARTS_MAX)
        return false;
    head->part[head->parts++] = (struct image_part){at, bytes};
    return true;
}

/* The readers of the formats, as image_head_read(), which has cleared head. with_profile: of its colours. */
int image_read_jpeg(struct image_reader r, bool with_profile, struct image_head *head);
int image_read_png(struct image_reader r, bool with_profile, struct image_head *head);
int image_read_webp(struct image_reader r, bool with_profile, struct image_head *head);
int image_read_gif(struct image_reader r, struct image_head *head);

#endif
