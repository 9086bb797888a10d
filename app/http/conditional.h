/* SPDX-License-Identifier: MIT */
/* Conditional requests: whether the client has already what it asks for (RFC 9110, 13).
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

/* Whether a value of If-None-Match names this entity tag, which has its quotes; compared weakly: W/ does not
 * count. */
bool etag_is_named(const char *value, const char *etag);

/* Whether a GET may be answered with 304: by If-None-Match, else by If-Modified-Since, each NULL when it is
 * not there. A date counts when it is the one that was given out. */
bool is_not_modified(const char *none_match, const char *modified_since, const char *etag, const char *date);

#endif
