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

/* Reads a date of exactly that form (the two obsolete ones are not understood).
 * Returns: 0 and *unix_seconds; -WEIR_EPROTOCOL if it is none, or one that does not exist.
 * Where:   any thread.
 */
WEIR_CHECKED int weir__http_date_parse(weir_bytes text, int64_t *unix_seconds);

/* Reads a date of that form or of the two obsolete ones, which a recipient has to understand (RFC 9110,
 * 5.6.7): "Sunday, 06-Nov-94 08:49:37 GMT" and "Sun Nov  6 08:49:37 1994".
 * Takes:   now: of two digits of a year, the latest that is at most 50 years ahead of it is meant.
 * Returns: as weir__http_date_parse().
 * Where:   any thread.
 */
WEIR_CHECKED int weir__http_date_parse_any(weir_bytes text, int64_t now, int64_t *unix_seconds);

#endif
