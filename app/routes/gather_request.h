/* SPDX-License-Identifier: MIT */
/* What a gather asks: URLs with the parameters filled in, and the headers that are passed on. No I/O.
 *
 * Threading: pure functions.
 */
#ifndef APP_ROUTES_GATHER_REQUEST_H
#define APP_ROUTES_GATHER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/buffer.h>
#include <weir/error.h>

#include "config/url.h"

enum { GATHER_URL_BYTES_MAX = 32 << 10 };

/* Where the values of parameters come from; NULL: there is none of that name. */
typedef const char *gather_param(const void *of, const char *name);

/* Adds the URL and a NUL. A value is passed on as it came; only what may not stand in a URL, or would be read
 * as more than a value in a query, is percent-encoded.
 * Returns: 0; -EINVAL a control character in a value; -WEIR_ETOOLARGE, -ENOMEM.
 */
WEIR_CHECKED int gather_expand(weir_buffer *out, const struct url_template *url, gather_param *param,
                               const void *of);

/* Whether a header of a request is passed on: x-request-id and what forward names, unless connection, the
 * value of the request's Connection field (or NULL), names it too. traceparent and tracestate are not passed
 * on: each call is given its own.
 */
bool gather_forwards(const char *const *forward, size_t forward_count, weir_bytes connection,
                     weir_bytes name);

#endif
