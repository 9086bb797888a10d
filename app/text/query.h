/* SPDX-License-Identifier: MIT */
/* The query of a target, behind its "?": name=value pairs.
 *
 * Threading: functions from text to text; any thread.
 */
#ifndef APP_TEXT_QUERY_H
#define APP_TEXT_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>

/* Copies the value of a name, decoded ("%20" and "+"). If the name occurs several times, the first counts; a
 * name without "=" has the value "".
 * Returns: 1; 0 when the name does not occur, and out is ""; -EINVAL for a value of more than room - 1 bytes,
 * with a NUL, or with a "%" that is no escape.
 */
WEIR_CHECKED int query_value(const char *query, const char *name, char *out, size_t room);

#endif
