/* SPDX-License-Identifier: MIT */
#include "jobs/image_format.h"

#include <errno.h>

#include "jobs/image_reader.h"

const char *const image_types[IMAGE_FORMATS] = {
    [IMAGE_JPEG] = "image/jpeg",
    [IMAGE_PNG] = "image/png",
    [IMAGE_WEBP] = "image/webp",
    [IMAGE_GIF] = "image/gif",
};

static struct image_reader reader_of(weir_bytes file)
{
    const unsigned char *at = (const unsigned char *)file.data;

    return (struct image_reader){.at = at, .end = at != NULL ? at + file.len : at};
}

enum image_format image_format_of(weir_bytes file)
{
    const struct image_reader r = reader_of(file);

    if (image_begins(&r, 0, "\xff\xd8", 2))
        return IMAGE_JPEG;
    if (image_begins(&r, 0, "\x89PNG\r\n\x1a\n", 8))
        return IMAGE_PNG;
    if (image_begins(&r, 0, "RIFF", 4) && image_begins(&r, 8, "WEBP", 4))
        return IMAGE_WEBP;
    if (image_begins(&r, 0, "GIF87a", 6) || image_begins(&r, 0, "GIF89a", 6))
        return IMAGE_GIF;
    return IMAGE_FORMATS;
}

static int read_format(struct image_head *head, struct image_reader r, bool with_profile)
{
    switch (head->format) {
    case IMAGE_JPEG:
        return image_read_jpeg(r, with_profile, head);
    case IMAGE_PNG:
        return image_read_png(r, with_profile, head);
    case IMAGE_WEBP:
        return image_read_webp(r, with_profile, head);
    case IMAGE_GIF:
        return image_read_gif(r, head);
    case IMAGE_FORMATS:
        break;
    }
    return -ENOTSUP;
}

static int too_large(struct image_head *head, const char *why)
{
    head->why = why;
    return -EFBIG;
}

int image_head_read(struct image_head *head, weir_bytes file, bool without_profile)
{
    int err;

    /* The array of parts is large, and need not be cleared. */
    memset(head, 0, offsetof(struct image_head, part));
    head->orientation = 1;
    if (file.len == 0)
        return -EINVAL;
    head->format = image_format_of(file);
    err = read_format(head, reader_of(file), !without_profile);
    if (err == -E2BIG)
        return too_large(head, "the image is made of too many parts");
    if (err < 0)
        return err;
    if (head->width == 0 || head->height == 0)
        return -EINVAL;
    if (head->width > IMAGE_SIDE_IN_MAX || head->height > IMAGE_SIDE_IN_MAX)
        return too_large(head, "the image is wider or higher than the 65500 pixels that are accepted");
    return 0;
}
