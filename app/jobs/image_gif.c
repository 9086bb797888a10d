/* SPDX-License-Identifier: MIT */
/* GIF: version 89a. */
#include <errno.h>

#include "jobs/image_reader.h"

enum { EXTENSION = 0x21, FRAME = 0x2c, GRAPHIC_CONTROL = 0xf9, HEAD_BYTES = 13, HAS_TABLE = 0x80 };

static void skip_sub_blocks(struct image_reader *r)
{
    for (uint32_t length; (length = image_big(r, 1)) > 0;)
        image_skip(r, length);
}

static void skip_table(struct image_reader *r, uint32_t flags)
{
    if (flags & HAS_TABLE)
        image_skip(r, (size_t)3 << ((flags & 7) + 1));
}

static int read_frame(struct image_reader *r, struct image_head *head)
{
    uint32_t left = image_little(r, 2), top = image_little(r, 2);
    uint32_t width = image_little(r, 2), height = image_little(r, 2);

    if (r->short_)
        return -EINVAL;
    head->width = left + width > head->width ? left + width : head->width;
    head->height = top + height > head->height ? top + height : head->height;
    head->held_bytes = (uint64_t)head->width * head->height * 4;
    skip_table(r, image_big(r, 1));
    image_skip(r, 1);
    skip_sub_blocks(r);
    head->cut_off = r->short_;
    return 0;
}

/* The decoder sees a file that ends with the first frame. Of all blocks before the frame, it sees only the
 * one with the transparent colour. */
int image_read_gif(struct image_reader r, struct image_head *head)
{
    static const unsigned char end[] = {0x3b};
    const unsigned char *from = r.at;
    struct image_reader control = {0};
    bool good;

    image_skip(&r, 6);
    head->width = image_little(&r, 2);
    head->height = image_little(&r, 2);
    skip_table(&r, image_big(&r, 3) >> 16);
    good = image_keep(head, from, (size_t)(r.at - from), false);
    head->bands = 3;
    head->sample_bytes = 1;
    while (!r.short_) {
        from = r.at;
        switch (image_big(&r, 1)) {
        case EXTENSION:
            if (image_big(&r, 1) == GRAPHIC_CONTROL)
                control.at = from;
            skip_sub_blocks(&r);
            if (control.at == from)
                control.end = r.at;
            break;
        case FRAME: {
            int err = read_frame(&r, head);
            if (err < 0)
                return err;
            if (control.at != NULL && control.end - control.at > 3)
                head->bands = control.at[3] & 1 ? 4 : 3;
            good = good &&
                   (control.at == NULL ||
                    image_keep(head, control.at, (size_t)(control.end - control.at), false)) &&
                   image_keep(head, from, (size_t)(r.at - from), false) &&
                   image_keep(head, end, sizeof end, false);
            return good ? 0 : -E2BIG;
        }
        default:
            return -EINVAL; /* the end before a frame, or an unknown block */
        }
    }
    return -EINVAL;
}
