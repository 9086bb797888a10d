/* SPDX-License-Identifier: MIT */
#include "jobs/image_head.h"

#include <errno.h>
#include <string.h>

const char *const image_types[IMAGE_FORMATS] = {
    [IMAGE_JPEG] = "image/jpeg",
    [IMAGE_PNG] = "image/png",
    [IMAGE_WEBP] = "image/webp",
    [IMAGE_GIF] = "image/gif",
};

/* Bytes being read. What is read beyond the end is 0, and noticed. */
struct reader {
    const unsigned char *at, *end;
    bool short_;
};

static void skip(struct reader *r, size_t n)
{
    size_t left = (size_t)(r->end - r->at);
    r->short_ = r->short_ || n > left;
    r->at += n < left ? n : left;
}

static uint32_t take(struct reader *r, int bytes, bool little_endian)
{
    uint32_t value = 0;
    if (r->end - r->at < bytes) {
        skip(r, (size_t)bytes);
        return 0;
    }
    for (int i = 0; i < bytes; i++)
        value |= (uint32_t)r->at[i] << 8 * (little_endian ? i : bytes - 1 - i);
    r->at += bytes;
    return value;
}

static uint32_t big(struct reader *r, int bytes)
{
    return take(r, bytes, false);
}

static uint32_t little(struct reader *r, int bytes)
{
    return take(r, bytes, true);
}

static bool begins(const struct reader *r, size_t at, const char *magic, size_t length)
{
    return (size_t)(r->end - r->at) >= at + length && memcmp(r->at + at, magic, length) == 0;
}

static void cover(struct image_head *head, uint32_t width, uint32_t height)
{
    head->width = width > head->width ? width : head->width;
    head->height = height > head->height ? height : head->height;
}

/* ---- JPEG: ITU T.81, annex B ---- */

enum { JPEG_COMPONENTS_MAX = 4, JPEG_COEFFICIENT_BYTES = 2 };

/* Within its pixels a byte 0xff never has an end's mark behind it. */
static bool has_end(struct reader r)
{
    return memmem(r.at, (size_t)(r.end - r.at), "\xff\xd9", 2) != NULL;
}

/* Of a progressive one all coefficients are held until the last scan. */
static int read_frame_header(struct reader r, bool progressive, struct image_head *head)
{
    uint32_t factors[JPEG_COMPONENTS_MAX], across_max = 1, down_max = 1;
    skip(&r, 1); /* precision */
    head->height = big(&r, 2);
    head->width = big(&r, 2);
    uint32_t components = big(&r, 1);
    if (r.short_ || components == 0 || components > JPEG_COMPONENTS_MAX)
        return -EINVAL;
    for (uint32_t i = 0; i < components; i++) {
        skip(&r, 1);
        factors[i] = big(&r, 1);
        uint32_t across = factors[i] >> 4, down = factors[i] & 15;
        skip(&r, 1);
        if (across < 1 || across > 4 || down < 1 || down > 4)
            return -EINVAL;
        across_max = across > across_max ? across : across_max;
        down_max = down > down_max ? down : down_max;
    }
    uint64_t pixels = (uint64_t)(head->width + 32) * (head->height + 32); /* rounded up to whole blocks */
    for (uint32_t i = 0; i < components && progressive; i++)
        head->memory_bytes +=
            pixels * (factors[i] >> 4) * (factors[i] & 15) / across_max / down_max * JPEG_COEFFICIENT_BYTES;
    return r.short_ ? -EINVAL : 0;
}

static bool is_frame_header(uint32_t marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static int read_jpeg(struct reader r, struct image_head *head)
{
    head->format = IMAGE_JPEG;
    skip(&r, 2);
    while (!r.short_) {
        if (big(&r, 1) != 0xff)
            return -EINVAL;
        uint32_t marker = big(&r, 1);
        while (marker == 0xff)
            marker = big(&r, 1);
        if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd7))
            continue; /* stands alone */
        if (marker == 0 || marker == 0xd9 || marker == 0xda)
            return -EINVAL; /* pixels, or the end, before their size */
        uint32_t length = big(&r, 2);
        if (length < 2)
            return -EINVAL;
        if (marker > 0xc2 && is_frame_header(marker))
            return -ENOTSUP; /* lossless, hierarchical, arithmetic */
        if (is_frame_header(marker)) {
            head->cut_off = !has_end(r);
            return read_frame_header(r, marker == 0xc2, head);
        }
        skip(&r, length - 2);
    }
    return -EINVAL;
}

/* ---- PNG: RFC 2083 ---- */

static int read_png(struct reader r, struct image_head *head)
{
    static const uint8_t channels[7] = {1, 0, 3, 1, 2, 0, 4}; /* by colour type */
    head->format = IMAGE_PNG;
    skip(&r, 8);
    if (big(&r, 4) != 13 || !begins(&r, 0, "IHDR", 4))
        return -EINVAL;
    skip(&r, 4);
    head->width = big(&r, 4);
    head->height = big(&r, 4);
    uint32_t depth = big(&r, 1), colour = big(&r, 1);
    skip(&r, 2);
    uint32_t interlaced = big(&r, 1);
    if (r.short_ || colour > 6 || channels[colour] == 0 || interlaced > 1)
        return -EINVAL;
    if (head->width > INT32_MAX || head->height > INT32_MAX)
        return -EINVAL;
    head->cut_off = memmem(r.at, (size_t)(r.end - r.at), "IEND", 4) == NULL;
    if (interlaced) /* its passes go over all of the picture; four channels, if there is a transparent colour
                     */
        head->memory_bytes = (uint64_t)head->width * head->height * 4 * (depth == 16 ? 2 : 1);
    return 0;
}

/* ---- WebP: RFC 9649 ---- */

static int read_vp8(struct reader r, struct image_head *head)
{
    if (!begins(&r, 3, "\x9d\x01\x2a", 3))
        return -EINVAL;
    skip(&r, 6);
    uint32_t width = little(&r, 2) & 0x3fff, height = little(&r, 2) & 0x3fff;
    cover(head, width, height);
    return r.short_ ? -EINVAL : 0;
}

static int read_vp8l(struct reader r, struct image_head *head)
{
    if (big(&r, 1) != 0x2f)
        return -EINVAL;
    uint32_t bits = little(&r, 4);
    cover(head, (bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1);
    head->memory_bytes = (uint64_t)head->width * head->height * 4; /* it refers to pixels anywhere before */
    return r.short_ ? -EINVAL : 0;
}

/* The canvas, and whether frames come that are put together on it. */
static int read_vp8x(struct reader r, struct image_head *head)
{
    uint32_t flags = big(&r, 1);
    skip(&r, 3);
    uint32_t width = little(&r, 3) + 1, height = little(&r, 3) + 1;
    cover(head, width, height);
    bool animated = flags & 0x02, alpha = flags & 0x10;
    head->memory_bytes = (uint64_t)width * height * (animated ? 8 : alpha ? 1 : 0);
    return r.short_ ? -EINVAL : 0;
}

static int read_webp(struct reader r, struct image_head *head)
{
    head->format = IMAGE_WEBP;
    skip(&r, 4);
    uint32_t bytes = little(&r, 4);
    head->cut_off = bytes > (size_t)(r.end - r.at);
    skip(&r, 4);
    while (r.end - r.at >= 8) {
        const struct reader chunk = {.at = r.at + 8, .end = r.end};
        if (begins(&r, 0, "VP8 ", 4))
            return read_vp8(chunk, head);
        if (begins(&r, 0, "VP8L", 4))
            return read_vp8l(chunk, head);
        if (begins(&r, 0, "ANIM", 4) || begins(&r, 0, "ANMF", 4))
            return head->width ? 0 : -EINVAL; /* its frames lie on the canvas */
        if (begins(&r, 0, "VP8X", 4)) {
            int err = read_vp8x(chunk, head);
            if (err < 0)
                return err;
        }
        skip(&r, 4);
        uint32_t length = little(&r, 4);
        skip(&r, (size_t)length + (length & 1));
    }
    return -EINVAL;
}

/* ---- GIF: version 89a ---- */

static void skip_sub_blocks(struct reader *r)
{
    for (uint32_t length; (length = big(r, 1)) > 0;)
        skip(r, length);
}

/* From the flags of a frame on. */
static bool has_frame(struct reader r)
{
    uint32_t flags = big(&r, 1);
    if (flags & 0x80)
        skip(&r, (size_t)3 << ((flags & 7) + 1));
    skip(&r, 1);
    skip_sub_blocks(&r);
    return !r.short_;
}

static int read_gif(struct reader r, struct image_head *head)
{
    head->format = IMAGE_GIF;
    skip(&r, 6);
    head->width = little(&r, 2);
    head->height = little(&r, 2);
    uint32_t flags = big(&r, 1);
    skip(&r, 2);
    if (flags & 0x80)
        skip(&r, (size_t)3 << ((flags & 7) + 1));
    while (!r.short_) {
        switch (big(&r, 1)) {
        case 0x21:
            skip(&r, 1);
            skip_sub_blocks(&r);
            break;
        case 0x2c: {
            uint32_t left = little(&r, 2), top = little(&r, 2);
            uint32_t width = little(&r, 2), height = little(&r, 2);
            cover(head, left + width, top + height);
            head->memory_bytes = (uint64_t)head->width * head->height * 4;
            if (r.short_)
                return -EINVAL;
            head->cut_off = !has_frame(r);
            return 0;
        }
        default:
            return -EINVAL; /* the end before a frame, or no block */
        }
    }
    return -EINVAL;
}

/* ---- all ---- */

int image_head_read(struct image_head *head, weir_bytes file)
{
    const struct reader r = {(const unsigned char *)file.data, (const unsigned char *)file.data + file.len,
                             false};
    int err = -ENOTSUP;
    *head = (struct image_head){0};
    if (file.len == 0)
        return -EINVAL;
    if (begins(&r, 0, "\xff\xd8\xff", 3))
        err = read_jpeg(r, head);
    else if (begins(&r, 0, "\x89PNG\r\n\x1a\n", 8))
        err = read_png(r, head);
    else if (begins(&r, 0, "RIFF", 4) && begins(&r, 8, "WEBP", 4))
        err = read_webp(r, head);
    else if (begins(&r, 0, "GIF87a", 6) || begins(&r, 0, "GIF89a", 6))
        err = read_gif(r, head);
    return err == 0 && (head->width == 0 || head->height == 0) ? -EINVAL : err;
}
