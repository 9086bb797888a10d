/* SPDX-License-Identifier: MIT */
#include "jobs/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/image_budget.h"
#include "jobs/image_claim.h"
#include "jobs/image_source.h"
#include "jobs/image_turn.h"
#include "jobs/vips_library.h"

const char *const image_output_names[IMAGE_OUTPUTS + 1] = {"jpeg", "png", "webp", "plain"};

enum { STRIP_ROWS = 16 };

/* One image on its way. */
struct work {
    const struct vips_library *vips;
    const struct image_order *order;
    char *fault;
    image_poll *poll;
    void *poll_arg;
    weir_bytes file;
    struct image_head head;
    struct image_source source;
    uint64_t claim;
    int rows, of; /* how many of the small image's are done */
};

static void drop(const struct vips_library *vips, void *object)
{
    if (object != NULL)
        vips->g_object_unref(object);
}

static int ask(void *arg)
{
    const struct work *w = arg;

    return w->poll != NULL ? w->poll(w->poll_arg, w->rows, w->of) : 0;
}

/* Why libvips failed: it was stopped, or the file is to blame. Its words are in one place for all threads:
 * they could be another image's. */
static int undecodable(const struct work *w)
{
    w->vips->vips_error_clear();
    if (w->source.stopped < 0)
        return w->source.stopped;
    snprintf(w->fault, IMAGE_FAULT_BYTES, "the image is damaged or cut off");
    return -EINVAL;
}

/* --- what it claims --- */

static double mib(uint64_t bytes)
{
    return (double)bytes / (1 << 20);
}

static int read_head(struct work *w, bool without_profile)
{
    int err = image_head_read(&w->head, w->file, without_profile);

    if (err == -ENOTSUP)
        snprintf(w->fault, IMAGE_FAULT_BYTES, "the image is of no kind that is taken: JPEG, PNG, WebP, GIF");
    else if (err == -EFBIG)
        snprintf(w->fault, IMAGE_FAULT_BYTES, "%s", w->head.why);
    else if (err == -EINVAL || (err == 0 && w->head.cut_off)) /* its decoder fills up what is missing */
        err = undecodable(w);
    return err;
}

/* Where one image, or all together, may not hold as much. */
static int too_much(const struct work *w, uint64_t most, const char *who)
{
    snprintf(w->fault, IMAGE_FAULT_BYTES,
             "the image would take %.1f MiB of memory in this form, more than the %.1f MiB that %s may; "
             "try a smaller one, or %s",
             mib(w->claim), mib(most), who, w->head.format == IMAGE_JPEG ? "a baseline JPEG" : "a JPEG");
    return -EFBIG;
}

static int check_claims(struct work *w)
{
    const struct image_head *head = &w->head;

    if ((int64_t)((uint64_t)head->width * head->height) > w->order->pixels_max) {
        snprintf(w->fault, IMAGE_FAULT_BYTES,
                 "the image has %u x %u pixels, more than the %lld that are taken", head->width, head->height,
                 (long long)w->order->pixels_max);
        return -EFBIG;
    }
    w->claim = image_claim(head, w->order, w->file.len);
    if (w->claim > (uint64_t)w->order->memory_max)
        return too_much(w, (uint64_t)w->order->memory_max, "it");
    return 0;
}

/* --- decoding, into pixels of 8 bits --- */

/* Does its decoder see no more than we saw? */
static int check_size(const struct work *w, VipsSource *source)
{
    VipsImage *image =
        w->vips->vips_image_new_from_source(source, "", "access", VIPS_ACCESS_SEQUENTIAL, NULL);
    if (image == NULL)
        return undecodable(w);
    bool more = w->vips->vips_image_get_width(image) > (int)w->head.width ||
                w->vips->vips_image_get_height(image) > (int)w->head.height;
    drop(w->vips, image);
    return more ? undecodable(w) : 0;
}

/* The pipeline that makes it small; nothing is decoded until its pixels are asked for. The box is turned
 * instead of the image: turning needs all of it. */
static int open_small(const struct work *w, VipsSource *source, VipsImage **small)
{
    bool swap = image_turn_swaps(w->head.orientation);
    int width = swap ? w->order->height : w->order->width;
    int height = swap ? w->order->width : w->order->height;
    VipsImage *image = NULL;

    const char *profile_key =
        w->head.profile_bytes > 0 ? "export_profile" : NULL; /* without one, it would change the colours */
    if (w->vips->vips_thumbnail_source(source, &image, width, "height", height, "size", VIPS_SIZE_DOWN,
                                       "no_rotate", TRUE, "option_string", "[fail_on=error]", profile_key,
                                       "srgb", NULL) != 0)
        return undecodable(w);
    bool grey = w->vips->vips_image_get_bands(image) < 3;
    if (w->vips->vips_image_get_format(image) != VIPS_FORMAT_UCHAR ||
        w->vips->vips_image_get_interpretation(image) == VIPS_INTERPRETATION_CMYK) {
        VipsImage *plain = NULL;
        int bad = w->vips->vips_colourspace(image, &plain,
                                            grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, NULL);
        drop(w->vips, image);
        if (bad)
            return undecodable(w);
        image = plain;
    }
    *small = image;
    return 0;
}

static bool wants_white(const struct work *w, VipsImage *image)
{
    return w->order->output == IMAGE_TO_JPEG && w->vips->vips_image_hasalpha(image);
}

static int put_on_white(const struct work *w, VipsImage **image)
{
    static const double white[] = {255, 255, 255};
    VipsImage *flat = NULL;
    int bands;

    if (!wants_white(w, *image))
        return 0;
    bands = w->vips->vips_image_get_bands(*image) - 1;
    VipsArrayDouble *background =
        w->vips->vips_array_double_newv(bands < 3 ? 1 : 3, white[0], white[1], white[2]);
    int bad = w->vips->vips_flatten(*image, &flat, "background", background, NULL);
    w->vips->vips_area_unref((VipsArea *)background);
    drop(w->vips, *image);
    *image = flat;
    return bad ? undecodable(w) : 0;
}

/* All computing is done in here, on this thread, strip by strip. */
static int read_rows(struct work *w, VipsRegion *region, struct image_pixels *pixels)
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
            return undecodable(w);
        for (int y = top; y < top + rows; y++) /* the region begins at the left edge, as the strip does */
            memcpy(pixels->data + (size_t)y * row,
                   region->data + (size_t)(y - region->valid.top) * (size_t)region->bpl, row);
    }
    return 0;
}

static int read_pixels(struct work *w, VipsImage *image, struct image_pixels *pixels)
{
    int err;
    VipsRegion *region;

    pixels->width = w->vips->vips_image_get_width(image);
    pixels->height = w->vips->vips_image_get_height(image);
    pixels->bands = w->vips->vips_image_get_bands(image);
    if (w->vips->vips_image_get_format(image) != VIPS_FORMAT_UCHAR || pixels->bands < 1 || pixels->bands > 4)
        return undecodable(w);
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

/* --- encoding --- */

static bool is_transparent(const struct image_pixels *pixels)
{
    size_t count = (size_t)pixels->width * (size_t)pixels->height, bands = (size_t)pixels->bands;

    if (bands == 1 || bands == 3)
        return false;
    for (size_t i = 0; i < count; i++)
        if (pixels->data[i * bands + bands - 1] != 255)
            return true;
    return false;
}

/* A channel of transparency that says nothing is left out. */
static void drop_opaque(struct image_pixels *pixels)
{
    size_t count = (size_t)pixels->width * (size_t)pixels->height, bands = (size_t)pixels->bands;

    if (bands == 1 || bands == 3 || is_transparent(pixels))
        return;
    for (size_t i = 0; i < count; i++)
        memmove(pixels->data + i * (bands - 1), pixels->data + i * bands, bands - 1);
    pixels->bands--;
}

static int encode(const struct work *w, const struct image_pixels *pixels, weir_buffer *out)
{
    const struct vips_library *vips = w->vips;
    size_t bytes = (size_t)pixels->width * (size_t)pixels->height * (size_t)pixels->bands, length = 0;
    int output = w->order->output, quality = w->order->quality, bad;
    void *data = NULL;
    int err;
    VipsImage *image;

    if (output == IMAGE_TO_PLAIN)
        output = pixels->bands == 2 || pixels->bands == 4 ? IMAGE_TO_PNG : IMAGE_TO_JPEG;
    image = vips->vips_image_new_from_memory(pixels->data, bytes, pixels->width, pixels->height,
                                             pixels->bands, VIPS_FORMAT_UCHAR);
    if (image == NULL) {
        vips->vips_error_clear();
        return -ENOMEM;
    }
    if (output == IMAGE_TO_JPEG)
        bad = vips->vips_jpegsave_buffer(image, &data, &length, "Q", quality, "strip", TRUE,
                                         "optimize_coding", TRUE, NULL);
    else if (output == IMAGE_TO_WEBP)
        bad = vips->vips_webpsave_buffer(image, &data, &length, "Q", quality, "strip", TRUE, NULL);
    else
        bad = vips->vips_pngsave_buffer(image, &data, &length, "strip", TRUE, NULL);
    drop(vips, image);
    vips->vips_error_clear();
    err = bad ? -ENOMEM : weir_buffer_append(out, data, length);
    vips->g_free(data);
    return err;
}

/* --- all --- */

static int turn(const struct work *w, struct image_pixels *pixels)
{
    struct image_pixels turned;

    if (w->head.orientation == 1)
        return 0;
    turned.data = malloc((size_t)pixels->width * (size_t)pixels->height * (size_t)pixels->bands);
    if (turned.data == NULL)
        return -ENOMEM;
    image_turn(pixels, w->head.orientation, &turned);
    free(pixels->data);
    *pixels = turned;
    return 0;
}

static int decode(struct work *w, struct image_pixels *pixels)
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

/* A profile that is of no use, say one of red, green and blue in a grey image, is no reason to refuse it. */
static int decode_again(struct work *w, struct image_pixels *pixels)
{
    int err;

    free(pixels->data);
    *pixels = (struct image_pixels){0};
    w->fault[0] = '\0';
    err = read_head(w, true);
    return err < 0 ? err : decode(w, pixels);
}

static int shrink(struct work *w, struct image_pixels *pixels, weir_buffer *out)
{
    int err = decode(w, pixels);

    if (err == -EINVAL && w->head.profile_bytes > 0)
        err = decode_again(w, pixels);
    if (err == 0) {
        drop_opaque(pixels);
        err = turn(w, pixels);
    }
    return err == 0 ? encode(w, pixels, out) : err;
}

static int shrink_in_budget(struct work *w, struct image_pixels *pixels, weir_buffer *out)
{
    int err = image_budget_take(w->claim);
    uint64_t claim;

    if (err == -EFBIG)
        return too_much(w, image_budget(), "all images");
    if (err < 0)
        return err;
    claim = w->claim;
    err = shrink(w, pixels, out);
    free(pixels->data);
    w->vips->vips_thread_shutdown(); /* its buffers of this thread: not kept between images */
    image_budget_give(claim);
    return err;
}

int image_shrink(const struct vips_library *vips, weir_bytes file, const struct image_order *order,
                 weir_buffer *out, char fault[IMAGE_FAULT_BYTES], image_poll *poll, void *arg)
{
    struct image_pixels pixels = {0};
    struct work *w = malloc(sizeof *w);
    int err;

    fault[0] = '\0';
    if (w == NULL)
        return -ENOMEM;
    w->vips = vips;
    w->order = order;
    w->fault = fault;
    w->poll = poll;
    w->poll_arg = arg;
    w->file = file;
    w->source.stopped = w->rows = w->of = 0;
    err = read_head(w, false);
    if (err == 0)
        err = check_claims(w);
    if (err == 0)
        err = shrink_in_budget(w, &pixels, out);
    free(w);
    return err;
}

const char *image_type_of(weir_bytes file)
{
    enum image_format format = image_format_of(file);

    return format < IMAGE_FORMATS ? image_types[format] : "application/octet-stream";
}
