/* SPDX-License-Identifier: MIT */
/* Values of Cache-Control (RFC 9111, 5.2).
 *
 * Threading: pure functions.
 */
#ifndef APP_TEXT_CACHE_CONTROL_H
#define APP_TEXT_CACHE_CONTROL_H

#include <stdbool.h>

/* Reports whether a text is a list of directives, each NAME or NAME=VALUE. */
bool cache_control_is_valid(const char *text);

/* Reports whether a value has a directive, with or without an argument. value NULL: there is no such header.
 */
bool cache_control_has(const char *value, const char *directive);

#endif
