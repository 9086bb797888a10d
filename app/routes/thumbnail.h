/* SPDX-License-Identifier: MIT */
/* thumbnail: an image of a folder, or of the body of the request, made smaller. */
#ifndef APP_ROUTES_THUMBNAIL_H
#define APP_ROUTES_THUMBNAIL_H

#include <stdint.h>

#include "config/fault.h"

enum thumbnail_format { THUMBNAIL_AUTO, THUMBNAIL_JPEG, THUMBNAIL_PNG, THUMBNAIL_WEBP };

struct thumbnail_settings {
    const char *root; /* the folder of images; NULL: images come by POST alone */
    struct config_place root_place;
    int width, height;
    int format; /* enum thumbnail_format */
    int quality;
    int pixels;
    uint64_t memory_bytes;
};

#endif
