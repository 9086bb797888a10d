/* SPDX-License-Identifier: MIT */
/* Dates as HTTP writes them: "Sun, 06 Nov 1994 08:49:37 GMT".
 *
 * Threading: pure functions; no locale, no time zone database.
 */
#ifndef WEIR__HTTP_MESSAGE_DATE_H
#define WEIR__HTTP_MESSAGE_DATE_H

#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>

enum { WEIR__HTTP_DATE_BYTES = 29 };

/* Writes the date of a second since 1970 (UTC), without a terminating NUL. A second outside the years 0–9999
 * is written as the nearest one inside.
 * Owns:    out is the caller's.
 * Returns: nothing; never fails.
 * Where:   any thread.
 */
void weir__http_date_format(int64_t unix_seconds, char out[static WEIR__HTTP_DATE_BYTES]);

/* Reads a date of exactly that form (weir_http_date_parse() understands the two obsolete ones, too).
 * Returns: 0 and *unix_seconds; -WEIR_EPROTOCOL if it is none, or one that does not exist.
 * Where:   any thread.
 */
WEIR_CHECKED int weir__http_date_parse(weir_bytes text, int64_t *unix_seconds);

#endif
