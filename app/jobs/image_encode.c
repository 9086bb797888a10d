/* SPDX-License-Identifier: MIT */
#include "jobs/image_encode.h"

#include <errno.h>
#include <string.h>

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

void image_drop_opaque(struct image_pixels *pixels)
{
    size_t count = (size_t)pixels->width * (size_t)pixels->height, bands = (size_t)pixels->bands;

    if (bands == 1 || bands == 3 || is_transparent(pixels))
        return;
    for (size_t i = 0; i < count; i++)
        memmove(pixels->data + i * (bands - 1), pixels->data + i * bands, bands - 1);
    pixels->bands--;
}

int image_encode(const struct vips_library *vips, const struct image_order *order,
                 const struct image_pixels *pixels, weir_buffer *out)
{
    size_t bytes = (size_t)pixels->width * (size_t)pixels->height * (size_t)pixels->bands, length = 0;
    int output = order->output, quality = order->quality, bad;
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
    vips->g_object_unref(image);
    vips->vips_error_clear();
    err = bad ? -ENOMEM : weir_buffer_append(out, data, length);
    vips->g_free(data);
    return err;
}
