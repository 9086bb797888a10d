/* SPDX-License-Identifier: MIT */
/* The order for a smaller image: its box, its format, and the limits of the work.
 *
 * Threading: constant while the image is worked on.
 */
#ifndef APP_JOBS_IMAGE_ORDER_H
#define APP_JOBS_IMAGE_ORDER_H

#include <stdint.h>

enum {
    IMAGE_SIDE_MAX = 4096,
    IMAGE_FAULT_BYTES = 160, /* room for a reason */
};

enum image_output {
    IMAGE_TO_JPEG, /* transparent pixels become white */
    IMAGE_TO_PNG,
    IMAGE_TO_WEBP,
    IMAGE_TO_PLAIN, /* PNG when a pixel is transparent, else JPEG */
    IMAGE_OUTPUTS
};

struct image_order {
    int width, height;  /* of the box that the image is fitted into; 1 … IMAGE_SIDE_MAX */
    int output;         /* enum image_output */
    int quality;        /* 1 … 100, of JPEG and WebP */
    int64_t pixels_max; /* of the original */
    int64_t memory_max; /* of the file and all that is held meanwhile; see image_claim.h */
};

/* Called now and then while an image is worked on, with the rows that are done, and all rows, or 0 while
 * their number is not known. A negative code ends the work.
 */
typedef int image_poll(void *arg, int rows, int of);

#endif
