/* SPDX-License-Identifier: MIT */
#include "jobs/image_decode.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/vips_library.h"

enum { STRIP_ROWS = 16 };

static void drop(const struct vips_library *vips, void *object)
{
    if (object != NULL)
        vips->g_object_unref(object);
}

static int ask(void *arg)
{
    const struct image_work *w = arg;

    return w->poll != NULL ? w->poll(w->poll_arg, w->rows, w->of) : 0;
}

int image_undecodable(const struct image_work *w)
{
    w->vips->vips_error_clear();
    if (w->source.stopped < 0)
        return w->source.stopped;
    snprintf(w->fault, IMAGE_FAULT_BYTES, "the image is damaged or cut off");
    return -EINVAL;
}

/* --- pixels of 8 bits --- */

/* Checks that the decoder sees no larger image than image_head_read() did. */
static int check_size(const struct image_work *w, VipsSource *source)
{
    VipsImage *image =
        w->vips->vips_image_new_from_source(source, "", "access", VIPS_ACCESS_SEQUENTIAL, NULL);
    bool more;

    if (image == NULL)
        return image_undecodable(w);
    more = w->vips->vips_image_get_width(image) > (int)w->head.width ||
           w->vips->vips_image_get_height(image) > (int)w->head.height;
    drop(w->vips, image);
    return more ? image_undecodable(w) : 0;
}

/* Opens the pipeline that makes the image small; nothing is decoded until its pixels are asked for. The box
 * is turned instead of the image, since turning needs the whole image. */
static int open_small(const struct image_work *w, VipsSource *source, VipsImage **small)
{
    bool swap = image_turn_swaps(w->head.orientation);
    int width = swap ? w->order->height : w->order->width;
    int height = swap ? w->order->width : w->order->height;
    VipsImage *image = NULL;
    /* Without a profile in the image, it would change the colours. */
    const char *profile_key = w->head.profile_bytes > 0 ? "export_profile" : NULL;
    bool grey;

    if (w->vips->vips_thumbnail_source(source, &image, width, "height", height, "size", VIPS_SIZE_DOWN,
                                       "no_rotate", TRUE, "option_string", "[fail_on=error]", profile_key,
                                       "srgb", NULL) != 0)
        return image_undecodable(w);
    grey = w->vips->vips_image_get_bands(image) < 3;
    if (w->vips->vips_image_get_format(image) != VIPS_FORMAT_UCHAR ||
        w->vips->vips_image_get_interpretation(image) == VIPS_INTERPRETATION_CMYK) {
        VipsImage *plain = NULL;
        int bad = w->vips->vips_colourspace(image, &plain,
                                            grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, NULL);
        drop(w->vips, image);
        if (bad)
            return image_undecodable(w);
        image = plain;
    }
    *small = image;
    return 0;
}

static bool wants_white(const struct image_work *w, VipsImage *image)
{
    return w->order->output == IMAGE_TO_JPEG && w->vips->vips_image_hasalpha(image);
}

static int put_on_white(const struct image_work *w, VipsImage **image)
{
    static const double white[] = {255, 255, 255};
    VipsImage *flat = NULL;
    VipsArrayDouble *background;
    int bands, bad;

    if (!wants_white(w, *image))
        return 0;
    bands = w->vips->vips_image_get_bands(*image) - 1;
    background = w->vips->vips_array_double_newv(bands < 3 ? 1 : 3, white[0], white[1], white[2]);
    bad = w->vips->vips_flatten(*image, &flat, "background", background, NULL);
    w->vips->vips_area_unref((VipsArea *)background);
    drop(w->vips, *image);
    *image = flat;
    return bad ? image_undecodable(w) : 0;
}

/* Reads the pixels strip by strip. All computing is done here, on this thread. */
static int read_rows(struct image_work *w, VipsRegion *region, struct image_pixels *pixels)
{
    size_t row = (size_t)pixels->width * (size_t)pixels->bands;

    for (int top = 0; top < pixels->height; top += STRIP_ROWS) {
        int rows = pixels->height - top < STRIP_ROWS ? pixels->height - top : STRIP_ROWS;
        const VipsRect strip = {.left = 0, .top = top, .width = pixels->width, .height = rows};
        int err;
        w->rows = top;
        w->of = pixels->height;
        err = ask(w);
        if (err < 0)
            return err;
        if (w->vips->vips_region_prepare(region, &strip) != 0 || w->source.stopped < 0)
            return image_undecodable(w);
        for (int y = top; y < top + rows; y++) /* the region begins at the left edge, as the strip does */
            memcpy(pixels->data + (size_t)y * row,
                   region->data + (size_t)(y - region->valid.top) * (size_t)region->bpl, row);
    }
    return 0;
}

static int read_pixels(struct image_work *w, VipsImage *image, struct image_pixels *pixels)
{
    int err;
    VipsRegion *region;

    pixels->width = w->vips->vips_image_get_width(image);
    pixels->height = w->vips->vips_image_get_height(image);
    pixels->bands = w->vips->vips_image_get_bands(image);
    if (w->vips->vips_image_get_format(image) != VIPS_FORMAT_UCHAR || pixels->bands < 1 || pixels->bands > 4)
        return image_undecodable(w);
    pixels->data = malloc((size_t)pixels->width * (size_t)pixels->height * (size_t)pixels->bands);
    region = pixels->data != NULL ? w->vips->vips_region_new(image) : NULL;
    if (region == NULL) {
        w->vips->vips_error_clear();
        return -ENOMEM;
    }
    err = read_rows(w, region, pixels);
    drop(w->vips, region);
    return err;
}

int image_decode(struct image_work *w, struct image_pixels *pixels)
{
    VipsImage *image = NULL;
    VipsSource *source = image_source_open(&w->source, w->vips, &w->head, ask, w);
    int err = source != NULL ? check_size(w, source) : -ENOMEM;

    if (err == 0)
        err = open_small(w, source, &image);
    if (err == 0)
        err = put_on_white(w, &image);
    if (err == 0)
        err = read_pixels(w, image, pixels);
    drop(w->vips, image);
    drop(w->vips, source);
    return err;
}
