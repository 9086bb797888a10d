/* SPDX-License-Identifier: MIT */
/* The form of media types (RFC 9110, 8.3.1).
 *
 * Threading: pure functions.
 */
#ifndef APP_TEXT_MEDIA_TYPE_H
#define APP_TEXT_MEDIA_TYPE_H

#include <stdbool.h>

#include <weir/buffer.h>

/* Reports whether a text is type/subtype, without parameters. */
bool media_type_is_plain(weir_bytes text);

/* Reports whether a text is type/subtype, and perhaps parameters, each ";name=value" with a token or a quoted
 * string. */
bool media_type_is_valid(const char *text);

#endif
