/* SPDX-License-Identifier: MIT */
/* Checks of profiles of colours (ICC.1) before a decoder or lcms sees them: their size, and whether they can
 * be applied quickly.
 *
 * Threading: pure functions.
 */
#ifndef APP_JOBS_IMAGE_PROFILE_H
#define APP_JOBS_IMAGE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reports whether a profile is to be used. bytes: at least up to the end of its table of tags. */
bool image_profile_is_usable(const unsigned char *bytes, size_t length);

/* Checks a deflated profile.
 * Returns: its unpacked size; 0 when it is damaged, too large, or not to be used. */
uint64_t image_profile_unpacked(const unsigned char *bytes, size_t length);

#endif
