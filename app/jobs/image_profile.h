/* SPDX-License-Identifier: MIT */
/* Profiles of colours (ICC.1), before a decoder or lcms sees them: their size, and whether they are of the
 * kind that is quickly worked through.
 *
 * Threading: pure functions.
 */
#ifndef APP_JOBS_IMAGE_PROFILE_H
#define APP_JOBS_IMAGE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a profile is to be used, by its first bytes: those of its table of tags must be among them. */
bool image_profile_is_usable(const unsigned char *bytes, size_t length);

/* The same of one that is deflated.
 * Returns: its size; 0: it is damaged, too large, or not to be used. */
uint64_t image_profile_unpacked(const unsigned char *bytes, size_t length);

#endif
