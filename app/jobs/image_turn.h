/* SPDX-License-Identifier: MIT */
/* Turning pixels as an EXIF orientation says.
 *
 * Threading: pure functions.
 */
#ifndef APP_JOBS_IMAGE_TURN_H
#define APP_JOBS_IMAGE_TURN_H

#include <stdbool.h>
#include <stddef.h>

struct image_pixels {
    unsigned char *data; /* rows without gaps, top first */
    int width, height, bands;
};

/* Reports whether an orientation, 1 to 8, swaps width and height. */
bool image_turn_swaps(int orientation);

/* Turns `from` into `to`, whose data has room for as many bytes; sets its width and height. An orientation
 * outside 1 … 8 counts as 1. */
void image_turn(const struct image_pixels *from, int orientation, struct image_pixels *to);

#endif
