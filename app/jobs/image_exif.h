/* SPDX-License-Identifier: MIT */
/* The orientation of an image, from EXIF. Nothing else of EXIF matters here.
 *
 * Threading: pure functions.
 */
#ifndef APP_JOBS_IMAGE_EXIF_H
#define APP_JOBS_IMAGE_EXIF_H

#include <stddef.h>

/* Reads the orientation. bytes: from the TIFF header on; an "Exif\0\0" before it is skipped.
 * Returns: 1 … 8; 1 also when there is none, or an invalid one. */
int image_exif_orientation(const unsigned char *bytes, size_t length);

#endif
