/* SPDX-License-Identifier: MIT */
/* Escapes of JSON text.
 *
 * Threading: any thread; nothing here waits or allocates.
 */
#ifndef WEIR_BASE_JSON_H
#define WEIR_BASE_JSON_H

#include <stddef.h>

#define WEIR__JSON_ESCAPE_MAX 6
#define WEIR__UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Returns: how many of the n bytes, from the front, need no escape and no check of their UTF-8. */
size_t weir__json_plain_prefix(const char *p, size_t n);

/* Writes the escape for an ASCII character that needs one, or for any other as \u00XX. Returns: its length.
 */
size_t weir__json_escape(char out[WEIR__JSON_ESCAPE_MAX], char c);

#endif
