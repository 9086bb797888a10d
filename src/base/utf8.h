/* SPDX-License-Identifier: MIT */
/* Strict UTF-8 (RFC 3629).
 *
 * Threading: any thread; nothing here waits.
 */
#ifndef WEIR_BASE_UTF8_H
#define WEIR_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Returns: the length (1 to 4) of the valid character that begins at p; 0 if there is none within n bytes. */
size_t weir__utf8_length(const char *p, size_t n);

#endif
