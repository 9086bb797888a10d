/* SPDX-License-Identifier: MIT */
/* What stands behind the "?" of a target: name=value pairs.
 *
 * Threading: functions from text to text; any thread.
 */
#ifndef APP_TEXT_QUERY_H
#define APP_TEXT_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>

/* Copies the value of a name, decoded ("%20" and "+"), the first when it stands several times; a name without
 * "=" has the value "". Without that name, out is "".
 * Returns: 1; 0 when the name is not there; -EINVAL a value of more than room - 1 bytes, with a NUL, or with
 * a
 *          "%" that is no escape.
 */
WEIR_CHECKED int query_value(const char *query, const char *name, char *out, size_t room);

#endif
