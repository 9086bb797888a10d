/* SPDX-License-Identifier: MIT */
/* Conditional requests: whether the client already has the current version (RFC 9110, 13).
 *
 * Threading: pure functions.
 */
#ifndef APP_HTTP_CONDITIONAL_H
#define APP_HTTP_CONDITIONAL_H

#include <stdbool.h>
#include <time.h>

enum { HTTP_DATE_BYTES = 30 };

/* Writes a time as HTTP does: "Sun, 06 Nov 1994 08:49:37 GMT". */
void http_date(time_t when, char out[HTTP_DATE_BYTES]);

/* Reports whether a value of If-None-Match names this entity tag, given with its quotes. The comparison is
 * weak: W/ does not count. */
bool etag_is_named(const char *value, const char *etag);

/* Reports whether a GET may be answered with 304: by If-None-Match, else by If-Modified-Since, each NULL when
 * the request has none. A date counts only when it is exactly this date. */
bool is_not_modified(const char *none_match, const char *modified_since, const char *etag, const char *date);

#endif
