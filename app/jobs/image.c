/* SPDX-License-Identifier: MIT */
#include "jobs/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/image_budget.h"
#include "jobs/image_claim.h"
#include "jobs/image_decode.h"
#include "jobs/image_encode.h"
#include "jobs/image_format.h"
#include "jobs/vips_library.h"

const char *const image_output_names[IMAGE_OUTPUTS + 1] = {"jpeg", "png", "webp", "plain"};

/* --- claims --- */

static double mib(uint64_t bytes)
{
    return (double)bytes / (1 << 20);
}

static int read_head(struct image_work *w, bool without_profile)
{
    int err = image_head_read(&w->head, w->file, without_profile);

    if (err == -ENOTSUP)
        snprintf(w->fault, IMAGE_FAULT_BYTES,
                 "the image has no format that is accepted: JPEG, PNG, WebP or GIF");
    else if (err == -EFBIG)
        snprintf(w->fault, IMAGE_FAULT_BYTES, "%s", w->head.why);
    else if (err == -EINVAL ||
             (err == 0 && w->head.cut_off)) /* else its decoder would fill up what is missing */
        err = image_undecodable(w);
    return err;
}

/* The fault of an image that would take more memory than it, or all images together, may. */
static int too_much(const struct image_work *w, uint64_t most, const char *holder)
{
    snprintf(w->fault, IMAGE_FAULT_BYTES,
             "the image would take %.1f MiB of memory in this form, more than the %.1f MiB that %s may; "
             "send a smaller one, or %s",
             mib(w->claim), mib(most), holder, w->head.format == IMAGE_JPEG ? "a baseline JPEG" : "a JPEG");
    return -EFBIG;
}

static int check_claims(struct image_work *w)
{
    const struct image_head *head = &w->head;

    if ((int64_t)((uint64_t)head->width * head->height) > w->order->pixels_max) {
        snprintf(w->fault, IMAGE_FAULT_BYTES,
                 "the image has %u x %u pixels, more than the %lld that are accepted", head->width,
                 head->height, (long long)w->order->pixels_max);
        return -EFBIG;
    }
    w->claim = image_claim(head, w->order, w->file.len);
    if (w->claim > (uint64_t)w->order->memory_max)
        return too_much(w, (uint64_t)w->order->memory_max, "it");
    return 0;
}

/* --- the work --- */

static int turn(const struct image_work *w, struct image_pixels *pixels)
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

/* Decodes without the profile of colours: an unusable profile, say of red, green and blue in a grey image, is
 * no reason to refuse the image. */
static int decode_again(struct image_work *w, struct image_pixels *pixels)
{
    int err;

    free(pixels->data);
    *pixels = (struct image_pixels){0};
    w->fault[0] = '\0';
    err = read_head(w, true);
    return err < 0 ? err : image_decode(w, pixels);
}

static int shrink(struct image_work *w, struct image_pixels *pixels, weir_buffer *out)
{
    int err = image_decode(w, pixels);

    if (err == -EINVAL && w->head.profile_bytes > 0)
        err = decode_again(w, pixels);
    if (err == 0) {
        image_drop_opaque(pixels);
        err = turn(w, pixels);
    }
    return err == 0 ? image_encode(w->vips, w->order, pixels, out) : err;
}

static int shrink_in_budget(struct image_work *w, struct image_pixels *pixels, weir_buffer *out)
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
    w->vips->vips_thread_shutdown(); /* frees its buffers of this thread */
    image_budget_give(claim);
    return err;
}

int image_shrink(const struct vips_library *vips, weir_bytes file, const struct image_order *order,
                 weir_buffer *out, char fault[IMAGE_FAULT_BYTES], image_poll *poll, void *arg)
{
    struct image_pixels pixels = {0};
    struct image_work *w = malloc(sizeof *w);
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
