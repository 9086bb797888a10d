/* SPDX-License-Identifier: MIT */
/* Conditional and range requests: whether the client already has the current version, and which part of it is
 * sent (RFC 9110, 13 and 14).
 *
 * Threading: pure functions.
 */
#ifndef APP_HTTP_CONDITIONAL_H
#define APP_HTTP_CONDITIONAL_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <weir/http_server.h>

#include "http/range.h"

enum { HTTP_DATE_BYTES = 30 };

/* Writes a time as HTTP does: "Sun, 06 Nov 1994 08:49:37 GMT". */
void http_date(time_t when, char out[HTTP_DATE_BYTES]);

/* The fields of a request, each joined; NULL: the request has none. */
struct conditions {
    const char *if_match, *if_unmodified_since, *if_none_match, *if_modified_since, *range, *if_range;
};

/* What would be sent, at this moment. */
struct representation {
    const char *etag; /* strong, with its quotes */
    time_t modified;
    time_t now;
    uint64_t bytes;
    bool varies; /* another representation may have the same time: dates do not tell them apart */
};

/* Reads the fields of a request. */
void conditions_of_request(weir_request *req, struct conditions *out);

/* Evaluates the conditions of a GET or HEAD in the order of RFC 9110, 13.2.2. Dates that are none do not
 * count, and neither does Range with HEAD. A date in If-Range counts only when it is a second old: until then
 * the file may have changed twice at that date. Where answers vary it does not count at all.
 * Owns:    *ranges is written in any case; it is empty unless the result is 206.
 * Returns: the status of the answer: 200, 206, 304, 412 or 416.
 */
int conditions_decide(const struct conditions *asked, const struct representation *what, bool is_get,
                      struct byte_ranges *ranges);

/* Reports whether a value of If-Match or If-None-Match names this entity tag, given with its quotes: "*"
 * names each. Compared strongly, a weak tag (W/) equals none; weakly, W/ does not count. */
bool etag_is_named(const char *value, const char *etag, bool strongly);

#endif
