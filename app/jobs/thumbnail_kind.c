/* SPDX-License-Identifier: MIT */
/* thumbnail: an image made smaller. {"width": W, "height": H, "format": "jpeg" | "png" | "webp" | "plain",
 * "quality": 1 … 100, "pixels": the most of the input, "memory": the most bytes held by file and decoding}.
 * "plain" is PNG when a pixel is transparent, else JPEG. */
#include "jobs/image.h"
#include "jobs/kinds.h"
#include "jobs/params.h"
#include "jobs/vips_library.h"

static int begin(weir_job *job, void *state, weir_bytes params)
{
    struct image_order *order = state;
    int64_t width, height, quality;
    json_t *tree = params_read(job, params);
    bool good = tree != NULL && params_int(job, tree, "width", 0, 1, IMAGE_SIDE_MAX, &width) &&
                params_int(job, tree, "height", 0, 1, IMAGE_SIDE_MAX, &height) &&
                params_int(job, tree, "quality", IMAGE_QUALITY, 1, 100, &quality) &&
                params_int(job, tree, "pixels", IMAGE_PIXELS, 1, INT64_MAX, &order->pixels_max) &&
                params_int(job, tree, "memory", IMAGE_MEMORY_BYTES, 1, INT64_MAX, &order->memory_max) &&
                params_choice(job, tree, "format", -1, image_output_names, &order->output);

    json_decref(tree);
    if (!good)
        return -JOB_PARAMS;
    order->width = (int)width;
    order->height = (int)height;
    order->quality = (int)quality;
    return 0;
}

static int poll(void *arg, int rows, int of)
{
    weir_job_progress(arg, (uint64_t)rows, (uint64_t)of);
    return weir_job_cancelled(arg);
}

static int piece(weir_job *job, void *state, weir_bytes file, bool last)
{
    const struct image_order *order = state;
    char fault[IMAGE_FAULT_BYTES];
    const char *why;
    weir_buffer out;
    int err;
    const struct vips_library *vips;

    (void)last;
    vips = vips_library(&why);
    if (vips == NULL)
        return weir_job_fail(job, -ENOSYS, "%s", why);
    weir_buffer_init(&out, IMAGE_FILE_BYTES_MAX);
    err = image_shrink(vips, file, order, &out, fault, poll, job);
    if (err == -ENOTSUP)
        err = weir_job_fail(job, -JOB_FOREIGN, "%s", fault);
    else if (err == -EINVAL)
        err = weir_job_fail(job, -JOB_DAMAGED, "%s", fault);
    else if (err == -EFBIG)
        err = weir_job_fail(job, -JOB_EXCESSIVE, "%s", fault);
    else if (err == -WEIR_ECPU)
        err = weir_job_fail(job, -JOB_EXCESSIVE,
                            "the image takes more CPU time than is allowed for one request");
    if (err == 0)
        err = weir_job_write(job, out.data, out.len);
    weir_buffer_free(&out);
    return err;
}

const weir_job_kind job_thumbnail = {.name = "thumbnail",
                                     .version = 1,
                                     .whole = true,
                                     .state_bytes = sizeof(struct image_order),
                                     .begin = begin,
                                     .piece = piece};
