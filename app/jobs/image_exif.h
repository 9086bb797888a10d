/* SPDX-License-Identifier: MIT */
/* The one thing of EXIF that matters here: which way up an image is.
 *
 * Threading: pure functions.
 */
#ifndef APP_JOBS_IMAGE_EXIF_H
#define APP_JOBS_IMAGE_EXIF_H

#include <stddef.h>

/* Returns: 1 … 8; 1 also when nothing, or nothing sensible, is said. bytes: from the TIFF header on; an
 * "Exif\0\0" before it is skipped. */
int image_exif_orientation(const unsigned char *bytes, size_t length);

#endif
