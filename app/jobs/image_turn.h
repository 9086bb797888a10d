/* SPDX-License-Identifier: MIT */
/* Turning pixels the way up that an EXIF orientation says.
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

/* Whether an orientation, 1 to 8, swaps width and height. */
bool image_turn_swaps(int orientation);

/* Turns `from` into `to`, whose data is of the same size; its width and height are set. Another orientation
 * than 1 … 8 is 1. */
void image_turn(const struct image_pixels *from, int orientation, struct image_pixels *to);

#endif
