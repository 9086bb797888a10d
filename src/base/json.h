/* SPDX-License-Identifier: MIT */
/* Pieces of JSON text that several files need.
 *
 * Threading: any thread; nothing here waits or allocates.
 */
#ifndef WEIR_BASE_JSON_H
#define WEIR_BASE_JSON_H

#include <stddef.h>

#define WEIR__JSON_ESCAPE_MAX 6
#define WEIR__UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* How many of the n bytes, from the front, need no escape and no look at their UTF-8. */
size_t weir__json_plain_prefix(const char *p, size_t n);

/* Writes the escape for an ASCII character that needs one, or for any other as \u00XX; returns its length. */
size_t weir__json_escape(char out[WEIR__JSON_ESCAPE_MAX], char c);

#endif
